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
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from mtorsim.errors import InputError, MtorsimError, shown
from mtorsim.sweep.plan import Plan
from mtorsim.sweep.work import Done

RESULTS, PARTS, ABOUT, FAILURES, LOCK = (
    "results.zarr",
    "parts",
    "sweep.json",
    "failures.csv",
    ".lock",
)
_CHUNK_BYTES = 4_000_000  # of an array in the store: a few megabytes read well over a network too


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
            works on it, or it cannot be written to.
        """
        self._check(resume)
        try:
            (self.folder / PARTS).mkdir(parents=True, exist_ok=True)
            with (self.folder / LOCK).open("w") as lock:
                self._lock(lock)
                self._check(resume)
                self._write(ABOUT, _json(self.plan.identity | {"hash": self.plan.hash}))
                yield
        except OSError as error:
            raise _failed(self.folder, error) from None

    def finished(self) -> set[int]:
        """Return the chunks that are done; a part that cannot be read counts as missing."""
        names = sorted((self.folder / PARTS).glob("*.npz"))
        return {int(path.stem) for path in names if self._read(path) is not None}

    def add(self, done: Done) -> None:
        """Write a finished chunk: wholly, or not at all."""
        page = io.BytesIO()
        reasons = np.array(json.dumps(done.reasons))
        np.savez(page, status=done.status, reasons=reasons, **done.readings)  # type: ignore[arg-type]
        self._write(f"{PARTS}/{done.chunk:06d}.npz", page.getvalue())

    def close(self) -> xr.Dataset:
        """Put all chunks into the store and return its content; the parts are then deleted."""
        if self.is_done:
            shutil.rmtree(self.folder / PARTS, ignore_errors=True)
            return self.open()
        dataset, failures = assembled(self.plan, self._parts())
        temporary = self.folder / f"{RESULTS}.unfinished"
        shutil.rmtree(temporary, ignore_errors=True)
        dataset.to_zarr(temporary, mode="w", encoding=_encoding(dataset), zarr_format=2,
                        consolidated=True)  # fmt: skip
        self._write(FAILURES, failures.to_csv(index=False).encode())
        temporary.replace(self.folder / RESULTS)
        shutil.rmtree(self.folder / PARTS)
        return dataset

    def open(self) -> xr.Dataset:
        """Return the content of a finished sweep."""
        return opened(self.folder)

    # -- inside ------------------------------------------------------------------------------

    def _check(self, resume: bool) -> None:
        about = self.folder / ABOUT
        if not about.exists():
            if self.folder.exists() and any(one.name != LOCK and one.name != PARTS
                                            for one in self.folder.iterdir()):  # fmt: skip
                raise InputError(
                    f"--out {shown(str(self.folder))} holds other files. Expected a new or empty "
                    "folder, or one of this sweep."
                )
            return
        known = _hash(about)
        if known != self.plan.hash:
            raise InputError(
                f"--out {shown(str(self.folder))} holds another sweep. Give another folder, or the "
                "same scenario, axes and versions as in its sweep.json."
            )
        if not resume:
            state = "is finished" if self.is_done else "was interrupted"
            raise InputError(
                f"--out {shown(str(self.folder))} holds this sweep, which {state}. "
                "Give --resume to go on, or another folder."
            )

    def _lock(self, lock: Any) -> None:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(
                f"--out {shown(str(self.folder))} is being written by another process. "
                "Wait for it, or give another folder."
            ) from None

    def _write(self, name: str, content: bytes) -> None:
        path = self.folder / name
        temporary = path.with_name(path.name + ".unfinished")
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)

    def _parts(self) -> Iterator[Done]:
        for chunk in range(len(self.plan.chunks)):
            part = self._read(self.folder / PARTS / f"{chunk:06d}.npz")
            if part is None:
                raise MtorsimError(f"chunk {chunk} is missing. Go on with --resume.")
            yield part

    def _read(self, path: Path) -> Done | None:
        try:
            with np.load(path, allow_pickle=False) as part:
                values = {name: part[name] for name in part.files}
        except (OSError, ValueError, EOFError):
            return None
        status, reasons = values.pop("status"), json.loads(str(values.pop("reasons")))
        return Done(int(path.stem), values, status, tuple(reasons))


def opened(folder: Path) -> xr.Dataset:
    """Return the content of a sweep's store.

    Raises
    ------
    InputError
        When there is none.
    """
    path = Path(folder) / RESULTS
    if not path.is_dir():
        raise InputError(f"no finished sweep in {shown(str(folder))}: there is no {RESULTS}.")
    found: xr.Dataset = xr.open_zarr(path, consolidated=True)
    return found


def assembled(plan: Plan, parts: Iterator[Done]) -> tuple[xr.Dataset, pd.DataFrame]:
    """Return all readings as labelled arrays, and the points that were retried or failed."""
    from mtorsim.sweep.labels import dataset

    count = plan.count
    arrays: dict[str, np.ndarray] = {}
    status = np.zeros(count, dtype=np.int8)
    failures: dict[int, str] = {}
    for part in parts:
        points = list(plan.chunks[part.chunk])
        for name, values in part.readings.items():
            if name not in arrays:
                arrays[name] = np.empty((count, *values.shape[1:]))
            arrays[name][points] = values
        status[points] = part.status
        failures |= {
            point: reason for point, reason in zip(points, part.reasons, strict=True) if reason
        }
    rows = [
        (
            point,
            plan.in_words(point),
            "failed" if status[point] == 2 else "retried",
            failures[point],
        )
        for point in sorted(failures)
    ]
    table = pd.DataFrame(rows, columns=["point", "values", "outcome", "reason"])
    return dataset(plan, arrays, status), table


def _encoding(dataset: xr.Dataset) -> dict[str, dict[str, Any]]:
    """Cut arrays along their first dimension into pieces of a few megabytes."""
    found = {}
    for name, array in dataset.data_vars.items():
        row = int(np.prod(array.shape[1:])) * array.dtype.itemsize
        length = max(1, min(array.shape[0], _CHUNK_BYTES // max(row, 1))) if array.ndim else 0
        found[str(name)] = {"chunks": (length, *array.shape[1:])} if array.ndim else {}
    return found


def _hash(about: Path) -> str:
    try:
        return str(json.loads(about.read_text(encoding="utf-8"))["hash"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _json(content: Any) -> bytes:
    return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()


def _failed(folder: Path, error: OSError) -> MtorsimError:
    reason = error.strerror or "unknown reason"
    return MtorsimError(
        f"could not write to {shown(str(folder))}: {reason}. What is finished is kept: --resume."
    )
