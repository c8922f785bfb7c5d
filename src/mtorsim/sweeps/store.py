"""The directory of a sweep: one writer, finished chunks that are never half-written, one store.

``sweep.json``      what the sweep is, and once it is done how it ended
``parts/``          finished chunks, while the sweep runs
``results.zarr/``   the labelled arrays, when it is done
``failures.csv``    points that were retried or failed, and why
"""

import fcntl
import io
import json
import os
import shutil
import threading
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from mtorsim.errors import InputError, MtorsimError, shown
from mtorsim.sweeps.gather import Array, failures_of, gathered, table_of
from mtorsim.sweeps.labels import STATUS, coordinates, variables
from mtorsim.sweeps.plan import Plan
from mtorsim.sweeps.readings import NAMES
from mtorsim.sweeps.work import UNTREATED, Done
from mtorsim.sweeps.zarr_files import ZarrFiles, blocks

RESULTS, PARTS, ABOUT, FAILURES, LOCK = (
    "results.zarr",
    "parts",
    "sweep.json",
    "failures.csv",
    ".lock",
)
_UNFINISHED = ".unfinished"  # ending of what is being written

_held: set[Path] = set()  # directories that this process works on: its own locks do not stop it
_holding = threading.Lock()


class Store:
    """The directory of one sweep.

    Parameters
    ----------
    folder : Path
    plan : Plan
    """

    def __init__(self, folder: Path, plan: Plan) -> None:
        self.folder, self.plan = folder, plan

    @property
    def is_done(self) -> bool:
        """Whether all results are in the store."""
        return (self.folder / RESULTS).is_dir()

    @contextmanager
    def opened(self, *, resume: bool) -> Iterator[None]:
        """Hold the directory; nobody else writes to it meanwhile.

        Raises
        ------
        InputError
            When it holds another sweep, or this one and `resume` is not given, or another process
            works on it.
        MtorsimError
            When it cannot be written to.
        """
        self._check_empty()
        with self._locked():
            self._check(resume)
            if not (self.folder / ABOUT).exists():
                self._write(ABOUT, _json(self._about()))
            yield

    def finished(self) -> set[int]:
        """Return the chunks that are done; a part that cannot be read counts as missing."""
        with _failing(self.folder):
            (self.folder / PARTS).mkdir(exist_ok=True)
            parts = sorted((self.folder / PARTS).glob("*.npz"))
        return {int(path.stem) for path in parts if zipfile.is_zipfile(path)}

    def add(self, done: Done) -> None:
        """Write a finished chunk: wholly, or not at all."""
        page = io.BytesIO()
        reasons = np.array(json.dumps(done.reasons))
        content: dict[str, Any] = {"status": done.status, "reasons": reasons, **done.readings}
        np.savez(page, **content)
        self._write(f"{PARTS}/{_part(done.chunk)}", page.getvalue())

    def close(self) -> None:
        """Put all chunks into the store; the parts are then deleted."""
        if not self.is_done:
            failures = table_of(self._failures())
            self._write(FAILURES, failures.to_csv(index=False).encode())
            self._write(ABOUT, _json(self._about() | {"outcome": self._outcome(failures)}))
            with _failing(self.folder):
                self._write_results()
        shutil.rmtree(self.folder / PARTS, ignore_errors=True)

    # -- inside ------------------------------------------------------------------------------

    def _write_results(self) -> None:
        draft = self.folder / (RESULTS + _UNFINISHED)
        shutil.rmtree(draft, ignore_errors=True)
        files = ZarrFiles(draft)
        labels = coordinates(self.plan)
        files.begin(labels)
        for one in variables(self.plan):
            target = files.variable(one, self.plan.shape, labels)
            for low, high, where in blocks(self.plan.shape, one):
                values = gathered(self.plan, one, low, high, self._rows)
                lengths = [piece.stop - piece.start for piece in where]
                target[where] = values.reshape(*lengths, *self.plan.shape[len(where) :], *one.row)
        files.finish()
        draft.replace(self.folder / RESULTS)

    def _rows(self, chunk: int, name: str) -> Array:
        return self._part(chunk, name)[name]

    def _failures(self) -> Iterator[tuple[Any, ...]]:
        for chunk in range(self.plan.chunk_count):
            part = self._part(chunk, "status", "reasons")
            reasons = json.loads(str(part["reasons"]))
            yield from failures_of(self.plan, chunk, part["status"], reasons)

    def _part(self, chunk: int, *names: str) -> Mapping[str, Array]:
        path = self.folder / PARTS / _part(chunk)
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as part:
                return {name: part[name] for name in names}
        except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile):
            with _failing(self.folder):
                path.unlink(missing_ok=True)
            raise MtorsimError(
                f"{shown(str(path))} is missing or damaged. Go on with --resume: "
                "that chunk is done again."
            ) from None

    def _about(self) -> dict[str, Any]:
        return self.plan.identity | {"hash": self.plan.hash}

    def _outcome(self, failures: pd.DataFrame) -> dict[str, int]:
        failed = int((failures["outcome"] == "failed").sum())
        return {
            "points": self.plan.count,
            "failed": failed,
            "retried": len(failures) - failed,
        }

    def _check_empty(self) -> None:
        """Refuse a folder with files that are not of a sweep."""
        name = self._name
        with _failing(self.folder):
            if not self.folder.exists() or (self.folder / ABOUT).exists():
                return
            if not self.folder.is_dir():
                raise InputError(f"{name} is a file. Expected a new or empty folder.")
            if any(not _is_ours(one.name) for one in self.folder.iterdir()):
                raise InputError(
                    f"{name} holds other files. Expected a new or empty folder, or one of this "
                    "sweep."
                )

    def _check(self, resume: bool) -> None:
        """Refuse another sweep, and one that is not to be gone on with."""
        about = self.folder / ABOUT
        if not about.exists():
            return
        if differs := _difference(about, self._about()):
            raise InputError(
                f"{self._name} holds another sweep ({differs}). Give another folder, or the same "
                "scenario, axes and versions as in its sweep.json."
            )
        if not resume:
            state, then = "was interrupted", "go on from there"
            if self.is_done:
                state, then = "is finished", "read it again"
            raise InputError(
                f"{self._name} holds this sweep, which {state}. Give --resume to {then}, or "
                "another folder."
            )

    @property
    def _name(self) -> str:
        return f"--out {shown(str(self.folder))}"

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the lock of the directory; a forked process does not inherit it."""
        path = self.folder.resolve()
        # Asked first: to open and close the file again would let go of this process's own lock.
        with _holding:
            is_free = path not in _held
            _held.add(path)
        try:
            if not is_free:
                raise self._busy()
            with _failing(self.folder):
                self.folder.mkdir(parents=True, exist_ok=True)
                file = (self.folder / LOCK).open("w")
            with file:
                if not _lock(file):
                    raise self._busy()
                yield
        finally:
            if is_free:
                _held.discard(path)

    def _busy(self) -> InputError:
        return InputError(
            f"{self._name} is being written by another process. Wait for it, or give another "
            "folder."
        )

    def _write(self, name: str, content: bytes) -> None:
        path = self.folder / name
        draft = path.with_name(path.name + _UNFINISHED)
        with _failing(self.folder):
            try:
                with draft.open("wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                draft.replace(path)
            except OSError:
                with suppress(OSError):
                    draft.unlink(missing_ok=True)
                raise


def opened(folder: str | Path) -> tuple[xr.Dataset, pd.DataFrame]:
    """Return the results and failures of a finished sweep; arrays are read when they are used.

    Raises
    ------
    InputError
        When there is none.
    """
    path = Path(folder) / RESULTS
    if not path.is_dir():
        raise InputError(f"no finished sweep in {shown(str(folder))}: there is no {RESULTS}.")
    found: xr.Dataset = xr.open_zarr(
        path, consolidated=True, chunks=None, decode_times=False, decode_timedelta=False
    )
    known = [name for name in (*NAMES, UNTREATED, STATUS) if name in found]
    rows = pd.read_csv(Path(folder) / FAILURES, keep_default_na=False)
    return found[known], table_of(rows.itertuples(index=False, name=None))


def _part(chunk: int) -> str:
    return f"{chunk:06d}.npz"


def _is_ours(name: str) -> bool:
    return name in (LOCK, PARTS) or name == ABOUT + _UNFINISHED


def _lock(file: Any) -> bool:
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


def _difference(about: Path, identity: Mapping[str, Any]) -> str:
    """Return in which points another sweep differs from this one; empty for the same."""
    try:
        known = json.loads(about.read_text(encoding="utf-8"))
        if known["hash"] == identity["hash"]:
            return ""
        keys = [key for key, value in identity.items() if known.get(key) != value]
    except (OSError, ValueError, KeyError, TypeError):
        return "its sweep.json cannot be read"
    return f"it has other {', '.join(key for key in keys if key != 'hash')}"


def _json(content: Any) -> bytes:
    return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()


@contextmanager
def _failing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error) or "unknown reason"
        raise MtorsimError(
            f"could not write to {shown(str(folder))}: {reason}. "
            "What is finished is kept: --resume goes on from there."
        ) from None
