"""``mtorsim sweep``: one scenario at many points, into one labelled store."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mtorsim.cli import options, screen
from mtorsim.cli.progress import keeping, progress_bar, said_time, workers_of
from mtorsim.errors import InputError, UnknownIdError, shown, within

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr

    from mtorsim.sweeps import Axis, Plan, Sweep

_LISTED = 10  # failures that are printed


def sweep(
    file: Annotated[
        str | None,
        typer.Argument(
            metavar="SWEEP.yaml",
            help="A scenario file with 'vary'; options change it or add to it.",
            show_default=False,
        ),
    ] = None,
    vary: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUES",
            help="What varies: a,b,c or low:high:points[:log], e.g. cell=786-O,PC-3, "
            "drugs.temsirolimus.dose=0.01nM:100nM:9:log, or a parameter. Repeatable.",
            show_default=False,
        ),
    ] = None,
    design: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="grid, list, random, latin_hypercube or sobol. Default: grid.",
            show_default=False,
        ),
    ] = None,
    points: Annotated[
        int | None, typer.Option(help="How many, for a design that samples.", show_default=False)
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Of such a design. Default: 0.", show_default=False)
    ] = None,
    read: Annotated[
        str | None,
        typer.Option(
            metavar="NAME,NAME…",
            help="curves, end, auc, peak, time_to_peak. Default: all.",
            show_default=False,
        ),
    ] = None,
    times: Annotated[
        str | None,
        typer.Option(
            metavar="TIME,TIME…",
            help="Output times, e.g. 0h,1h,24h. Default: 73 for curves, as many as needed else.",
            show_default=False,
        ),
    ] = None,
    cell: options.Cell = None,
    drug: options.Drug = None,
    stimulus: options.Stimulus = None,
    perturb: options.Perturb = None,
    duration: options.Duration = None,
    set_: options.Set = None,
    observe: options.Observe = None,
    species: options.Species = None,
    relative_tolerance: Annotated[
        float | None,
        typer.Option(help="Of the integrator. Default: 1e-6.", show_default=False),
    ] = None,
    engine: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="roadrunner or amici: an extra for many simulations read at few times.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        str, typer.Option("--out", "-o", metavar="DIR", help="Folder of the sweep.")
    ] = "sweep",
    workers: options.Workers = None,
    dask: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Scheduler of a Dask cluster.", show_default=False),
    ] = None,
    resume: options.Resume = False,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            metavar="",
            help="Say what would be done, and how long.",
            show_default=False,
        ),
    ] = False,
    csv: Annotated[
        bool,
        typer.Option("--csv", metavar="", help="Write a tidy table as well.", show_default=False),
    ] = False,
    plot: Annotated[
        bool,
        typer.Option("--plot", metavar="", help="Write figure.png as well.", show_default=False),
    ] = False,
    ic50: Annotated[
        str | None,
        typer.Option(
            metavar="AXIS",
            help="Print where along an axis of doses half is left.",
            show_default=False,
        ),
    ] = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
    debug: options.Debug = False,  # noqa: ARG001
) -> None:
    """Simulate one scenario at many points: doses, times, cells, perturbations, parameters."""
    if not out:
        raise InputError("--out: expected a folder, got nothing.")
    typed = {
        "method": design,
        "points": points,
        "seed": seed,
        "read": None if read is None else _listed("--read", read),
        "times": None if times is None else _listed("--times", times),
        "relative_tolerance": relative_tolerance,
        "engine": engine,
    }
    given = _Given(
        options.Wish(
            *(file, cell, drug, stimulus, perturb, duration, set_, observe, species),
            is_sweep=True,
            may_have_no_drug=any(one.startswith(("drug.", "drugs.")) for one in vary or ()),
        ),
        vary or (),
        {key: one for key, one in typed.items() if one is not None},
    )
    plan, count = given.plan(), workers_of(workers)
    doses = _check_ic50(plan, ic50)
    _check_plot(plan, plot)
    plan = _runnable(plan)
    if dry_run:
        _say_estimate(plan, count, as_json=json)
        return
    done = _carried_out(plan, out, count, dask, resume=resume, quiet=quiet)
    files = _extras(done, Path(out), csv=csv, plot=plot)
    _report(done, files, doses, quiet=quiet, as_json=json)
    if done.failed:
        raise typer.Exit(1)


@dataclass(frozen=True)
class _Given:
    """What a file and options say of a sweep."""

    wish: options.Wish
    vary: Sequence[str]
    typed: Mapping[str, Any]  # arguments of a plan that are options

    def plan(self) -> "Plan":
        """Return the plan that is meant; options win over the file."""
        from mtorsim.scenario_file import load_with_keys
        from mtorsim.sweeps import axis, plan

        file = self.wish.file
        found = {} if file is None else load_with_keys(file, sweep=True)[2]
        found = {_ARGUMENT.get(key, key): one for key, one in found.items()}
        axes = {}
        for name, values in found.pop("vary", {}).items():
            with self._located(), within("vary", name):
                one = axis(name, values)
                if one.target in axes:
                    raise InputError(f"vary: {one.target!r} is given twice.")
                axes[one.target] = one
        axes |= {one.target: one for one in self._parsed()}
        if not axes:
            raise InputError(
                "nothing varies: give --vary, such as --vary cell=786-O,PC-3, or a file with "
                "'vary'."
            )
        scenario = self.wish.scenario()
        with self._located():
            return plan(scenario, axes.values(), **{**found, **self.typed})

    def _parsed(self) -> "Iterator[Axis]":
        from mtorsim.sweeps.axes import parsed

        seen: set[str] = set()
        for text in self.vary:
            try:
                one = parsed(text)
            except InputError as error:
                raise error.at("--vary") from None
            if one.target in seen:
                raise InputError(f"--vary: {one.target!r} is given twice.")
            seen.add(one.target)
            yield one

    @contextmanager
    def _located(self) -> Iterator[None]:
        """Put option, or file and line, in front of an error."""
        from mtorsim.scenario_file import located

        try:
            yield
        except InputError as error:
            if (option := self._option(error.path)) is not None:
                raise error.at(option) if option else error from None
            if self.wish.file is None:
                raise
            with located(self.wish.file):
                raise

    def _option(self, path: tuple[str | int, ...]) -> str | None:
        """Return the option that a path leads to; empty if one of several, None for the file."""
        group, *rest = (*(str(one) for one in path), "")
        if group == "vary":
            names = [text.partition("=")[0].strip().removeprefix("set.") for text in self.vary]
            targets = [re.sub(r"^drug\.", "drugs.", name) for name in names]
            return "--vary" if rest[0] in targets else None
        if _ARGUMENT.get(group, group) in self.typed:
            return f"--{group.replace('_', '-')}"
        field = _OPTION.get(group, group)
        return "" if field and getattr(self.wish, field, None) else None


_ARGUMENT = {"design": "method"}  # key of a file -> argument of a plan
_OPTION = {"drugs": "drug", "stimuli": "stimulus", "perturbations": "perturb", "file": ""}


def _listed(option: str, text: str) -> list[str]:
    names = [part.strip() for part in text.split(",") if part.strip()]
    if not names:
        raise InputError(f"{option}: expected names separated by commas, got {shown(text)}.")
    return names


def _check_ic50(plan: "Plan", name: str | None) -> str | None:
    """Return the axis of an IC50; one that cannot be is refused before the work."""
    if name is None:
        return None
    from mtorsim.observables import GROWING
    from mtorsim.sweeps.axes import normalized

    numbers = [one.target for one in plan.axes if one.is_number and plan.method == "grid"]
    try:
        found = normalized(name)
    except InputError as error:
        raise error.at("--ic50") from None
    if found not in numbers:
        raise UnknownIdError(
            kind="axis of a grid with numbers", given=name, choices=numbers, where="--ic50"
        )
    if not {"end", "peak"} & {*plan.read}:
        raise InputError("--ic50: expected --read with end or peak.")
    doses = next(one.values for one in plan.axes if one.target == found)
    if sum(float(one) > 0 for one in doses) < 2:  # type: ignore[arg-type]
        raise InputError(f"--ic50: {found!r} needs two or more values above zero.")
    if not {*plan.observe} - {*GROWING}:
        raise InputError(f"--ic50: {' and '.join(GROWING)} grow untreated. Observe viability.")
    return found


def _check_plot(plan: "Plan", is_wanted: bool) -> None:
    """Refuse a figure that cannot be drawn, before the work."""
    if is_wanted and plan.method == "grid" and sum(n > 1 for n in plan.shape) > 2:
        raise InputError(
            "--plot: a figure shows one or two axes with more than one value, and this sweep has "
            "more. Leave --plot out, and select from the results what to draw."
        )


def _runnable(plan: "Plan") -> "Plan":
    from mtorsim.sweeps import runnable

    found, reason = runnable(plan)
    if reason:
        screen.complain(reason, False)
    return found


def _carried_out(
    plan: "Plan", out: str, workers: int, dask: str | None, *, resume: bool, quiet: bool
) -> "Sweep":
    from mtorsim.sweeps import carry_out

    with keeping(out), progress_bar(quiet, "simulated") as progress:
        return carry_out(plan, out, workers=workers, dask=dask, resume=resume, progress=progress)


# --- what is said ---------------------------------------------------------------------------------


def _say_estimate(plan: "Plan", workers: int, *, as_json: bool) -> None:
    from mtorsim.sweeps import estimate

    found = estimate(plan, workers)
    if as_json:
        screen.say_json({**vars(found), "workers": workers})
        return
    screen.say(f"{plan.scenario.in_words()}\n\n")
    for one in plan.axes:
        screen.say(f"{one.in_words()}\n")
    screen.say(
        f"\n{found.points} simulations ({plan.method}), {_models(found.models)} compiled; about "
        f"{said_time(found.seconds)} with {workers} {'process' if workers == 1 else 'processes'} "
        f"here; {_said_size(found.bytes)} of results before compression.\n"
        f"Reads {', '.join(plan.read)} of {_observables(plan)}. Nothing was written."
    )
    if found.by_roadrunner is not None:
        screen.say(
            f"AMICI simulates {found.points / found.seconds:.0f} points a second, RoadRunner "
            f"{found.points / found.by_roadrunner:.0f}."
        )
    if found.failed:
        screen.say(f"Of {found.tried} that were tried {found.failed} failed: {found.reason}")


def _observables(plan: "Plan") -> str:
    return plan.observe[0] if len(plan.observe) == 1 else f"{len(plan.observe)} observables"


def _models(count: int) -> str:
    return "1 model" if count == 1 else f"{count} models"


def _said_size(size: int) -> str:
    for unit, worth in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= worth:
            return f"{size / worth:.3g} {unit}"
    return f"{size} B"


def _extras(done: "Sweep", folder: Path, *, csv: bool, plot: bool) -> list[str]:
    from mtorsim.export.files import png, write_file, write_table

    files = ["results.zarr", "sweep.json", "failures.csv"]
    if csv:
        write_table(folder / "sweep.csv", done.tables())
        files.append("sweep.csv")
    if plot:
        write_file(folder / "figure.png", png(done.plot()))
        files.append("figure.png")
    return files


def _report(
    done: "Sweep", files: Sequence[str], doses: str | None, *, quiet: bool, as_json: bool
) -> None:
    half = None
    if doses is not None:
        half = done.ic50(doses, "end" if "end" in done.dataset else "peak")
    if as_json:
        record: dict[str, Any] = {
            "points": done.count,
            "failed": done.failed,
            "retried": done.retried,
            "failures": done.failures.head(_LISTED).to_dict("records"),
            "folder": str(done.folder),
        }
        if half is not None:
            record["ic50"] = half.to_dataframe().reset_index().to_dict("records")
        screen.say_json(record)
    elif not quiet:
        if half is not None:
            _say_ic50(half, done.dataset[doses].to_numpy())
        _say_failures(done)
        screen.say(f"{done.count} points. Wrote {', '.join(files)} to {str(done.folder)!r}.")
    if done.failed:
        few = f"{done.failed} of {done.count} points"
        screen.complain(f"error: {few} failed: see failures.csv in {str(done.folder)!r}.", False)


def _say_failures(done: "Sweep") -> None:
    if not len(done.failures):
        return
    screen.say(f"{done.failed} failed, {done.retried} done with tighter tolerances:\n\n")
    columns = [
        screen.Column("point", is_number=True),
        screen.Column("outcome"),
        screen.Column("values"),
        screen.Column("reason"),
    ]
    # What has no numbers comes before what has.
    rows = done.failures.sort_values(["outcome", "point"], kind="stable").head(_LISTED)
    names = ["point", "outcome", "values", "reason"]
    screen.say_table(columns, rows[names].astype(str).to_numpy().tolist())
    more = len(done.failures) - _LISTED
    screen.say(f"… and {more} more, in failures.csv.\n" if more > 0 else "\n")


def _say_ic50(half: "xr.DataArray", doses: "np.ndarray[Any, Any]") -> None:
    table = half.to_dataframe().reset_index()
    names = [str(name) for name in table.columns if name not in ("unit", "ic50")]
    columns = [
        *(screen.Column(name) for name in names),
        screen.Column(f"IC50 [{half.attrs['units']}]", is_number=True),
    ]
    nowhere = f"none from {doses[doses > 0].min():.3g} to {doses.max():.3g}"
    rows = [
        [
            *(str(row[name]) for name in names),
            f"{row['ic50']:.3g}" if row["ic50"] == row["ic50"] else nowhere,
        ]
        for _, row in table.iterrows()
    ]
    screen.say_table(columns, rows)
    screen.say("")
