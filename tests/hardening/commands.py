"""Every command that works for long or writes files, as processes of the tests start them."""

import os
import signal
import subprocess
import sys
from pathlib import Path

BLOTS = """\
cell,drug,dose,observable,time,value,sd,unit,dataset
786-O,temsirolimus,20 nM,S6K1_pT389,15 min,0.31,0.05,relative,blot 1
786-O,temsirolimus,20 nM,S6K1_pT389,1 h,0.2,0.05,relative,blot 1
"""
MODEL = "unit time_unit = second; compartment c = 1; A = 1; A' = -0.1*A\n"
SCENARIO = "cell: PC-3\ndrugs: [{name: sirolimus, dose: 20 nM}]\n"

WRITE = {  # name -> words of a command that is soon done, and what it writes
    "run": ("run --duration 1h --out out", "out"),
    "run --model": ("run --model model.ant --duration 10s --out out", "out"),
    "viability": ("assay viability --doses 1nM:100nM:5 --times 24h --out out", "out"),
    "western": ("assay western --drug temsirolimus=1nM --times 1h --out out", "out"),
    "combination": ("assay combination --doses 0.1nM:1uM:4 --time 24h --out out", "out"),
    "pk": ("pk --regimen 25mg --out out", "out"),
    "qualify": ("qualify --only TC05 --workers 1 --out out", "out"),
    "sbml": ("export --duration 1h -o model.xml", "model.xml"),
    "antimony": ("export --duration 1h --to antimony -o run.ant", "run.ant"),
    "sedml": ("export --duration 1h -o run.sedml", "run.sedml"),
    "omex": ("export --duration 1h -o run.omex", "run.omex"),
    "petab": ("export --duration 1h --to petab -o out", "out"),
    "export --model": ("export --model model.ant --duration 10s -o run.sedml", "run.sedml"),
}
READ = "--duration 1h --observe S6K1_pT389"
RATE = "kphos_S6K1_by_mTORC1"
RESUME = {  # those that keep what is finished
    "sweep": (f"sweep --vary drugs.temsirolimus.dose=1nM,2nM {READ} --workers 1 --out out", "out"),
    "sensitivity": (f"sensitivity --parameter {RATE} {READ} --workers 1 --out out", "out"),
    "fit": (f"fit blots.csv --parameter {RATE} --starts 1 --workers 1 --out out", "out"),
}
SEVERAL = {  # those that use several processes, with work for a while
    "sweep": "sweep --vary drugs.temsirolimus.dose=0.01nM:100nM:2000:log --read curves,end",
    "sensitivity": "sensitivity --parameter kphos_* --method morris --points 100",
    "fit": "fit blots.csv --parameter k*phos_S6K1* --starts 40",
    "qualify": "qualify",
}
LONG = {
    **{name: f"{words} --workers 2" for name, words in SEVERAL.items()},
    "run": "run --drug temsirolimus=20nM --drug AZD8055=30nM --drug RapaLink-1=5nM",
    "viability": "assay viability --cell 786-O --cell PC-3 --cell MCF-7",
    "western": "assay western --drug temsirolimus=0.1nM:100nM:8 --times 1h,24h,48h",
    "combination": "assay combination --doses 0.1nM:1uM:12",
    "pk": "pk --ensemble",
    "export": "export --to petab -o problem",
    "check": "check scenario.yaml",
    "map": "map model.ant",
    "show": "show parameters",
}


def furnish(folder: Path) -> Path:
    """Put the files there that the commands read."""
    (folder / "blots.csv").write_text(BLOTS)
    (folder / "model.ant").write_text(MODEL)
    (folder / "scenario.yaml").write_text(SCENARIO)
    return folder


def started(folder, words, *, program=("-m", "mtorsim")):
    """Return a process of a command, which hears Ctrl-C, in a group of its own."""
    return subprocess.Popen(
        [sys.executable, *program, *words.split()],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # Tests started in the background, by nohup say, hand down that interrupts are ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def family(pid):
    """Return all processes that a process started, and these started."""
    found = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = path.read_text().split()
        except OSError:  # it has just ended
            continue
        for child in children:
            found += [int(child), *family(int(child))]
    return found


def is_there(pid):
    """Return whether a process runs."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def drafts(folder):
    """Return what is there under a name that is not final."""
    return [
        path.name
        for path in Path(folder).rglob("*")
        if path.name.startswith(".mtorsim-") or path.name.endswith(".unfinished")
    ]


def seen(folder):
    """Return what is there: path -> which file it is, and its bytes."""
    return {
        path.relative_to(folder).as_posix(): (path.stat().st_ino, path.read_bytes())
        for path in sorted(Path(folder).rglob("*"))
        if path.is_file()
    }


def in_fork(folder, words, *, limit=None):
    """Carry a command out in a copy of this process; return status, output and errors.

    What is compiled here is compiled there. Its files are no longer than `limit` bytes: a disk
    that is full sooner or later, which needs no rights.
    """
    out, err = (os.pipe() for _ in range(2))
    child = os.fork()
    if child == 0:
        _carried_out(folder, words, limit, out[1], err[1])
    for _, theirs in (out, err):
        os.close(theirs)
    texts = []
    for ours, _ in (out, err):  # few words: neither pipe fills up while the other is read
        with os.fdopen(ours, encoding="utf-8") as file:
            texts.append(file.read())
    return (os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), *texts)


def _carried_out(folder, words, limit, out, err):
    import resource

    from mtorsim.cli import main

    status = 99
    try:
        os.chdir(folder)
        sys.stdout, sys.stderr = (
            os.fdopen(one, "w", encoding="utf-8", buffering=1) for one in (out, err)
        )
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        main(words.split())
    except SystemExit as leaving:
        status = leaving.code or 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
