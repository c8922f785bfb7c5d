"""The directory of a sweep: one writer, finished chunks that are never half-written, one store.

``sweep.json``      what the sweep is, and once it is done how it ended
``parts/``          finished chunks, while the sweep runs
``results.zarr/``   the labelled arrays, when it is done
``failures.csv``    points that were retried or failed, and why
"""

import io
import json
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from mtorsim.errors import InputError, MtorsimError, shown
from mtorsim.sweeps.folder import PARTS, WorkFolder, as_json, failing
from mtorsim.sweeps.gather import Array, failures_of, gathered, table_of
from mtorsim.sweeps.labels import STATUS, coordinates, variables
from mtorsim.sweeps.plan import Plan
from mtorsim.sweeps.readings import NAMES
from mtorsim.sweeps.work import UNTREATED, Done
from mtorsim.sweeps.zarr_files import ZarrFiles, blocks, check_arrays

RESULTS, ABOUT, FAILURES = "results.zarr", "sweep.json", "failures.csv"
_UNFINISHED = ".unfinished"  # ending of what is being written
# What reading a part ends with whose bytes are not those written, or that is gone.
_DAMAGED = (OSError, ValueError, EOFError, KeyError, RuntimeError, zipfile.BadZipFile)


class Store:
    """The directory of one sweep.

    Parameters
    ----------
    folder : Path
    plan : Plan
    """

    def __init__(self, folder: Path, plan: Plan) -> None:
        self.folder, self.plan = folder, plan
        self._work = WorkFolder(folder, "sweep", self._about, "scenario, axes and versions")

    @property
    def is_done(self) -> bool:
        """Whether all results are in the store."""
        return (self.folder / RESULTS).is_dir()

    def opened(self, *, resume: bool) -> AbstractContextManager[None]:
        """Hold the directory; nobody else writes to it meanwhile; see `WorkFolder.opened`."""
        return self._work.opened(resume=resume, is_done=lambda: self.is_done)

    def finished(self) -> set[int]:
        """Return the chunks that are done; a part that cannot be read counts as missing."""
        there = {one.name for one in self._work.parts("npz") if zipfile.is_zipfile(one)}
        return {chunk for chunk in range(self.plan.chunk_count) if _part(chunk) in there}

    def add(self, done: Done) -> None:
        """Write a finished chunk: wholly, or not at all."""
        page = io.BytesIO()
        reasons = np.array(json.dumps(done.reasons))
        content: dict[str, Any] = {"status": done.status, "reasons": reasons, **done.readings}
        np.savez(page, **content)
        self._work.write(f"{PARTS}/{_part(done.chunk)}", page.getvalue())

    def close(self) -> None:
        """Put all chunks into the store; the parts are then deleted."""
        if not self.is_done:
            failures = table_of(self._failures())
            self._work.write(FAILURES, failures.to_csv(index=False).encode())
            self._work.write(ABOUT, as_json(self._about() | {"outcome": self._outcome(failures)}))
            with failing(self.folder):
                self._write_results()
        shutil.rmtree(self.folder / PARTS, ignore_errors=True)

    # -- inside ------------------------------------------------------------------------------

    def _write_results(self) -> None:
        draft = self.folder / (RESULTS + _UNFINISHED)
        shutil.rmtree(draft, ignore_errors=True)
        try:
            self._write_arrays(ZarrFiles(draft))
            draft.replace(self.folder / RESULTS)
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def _write_arrays(self, files: ZarrFiles) -> None:
        labels = coordinates(self.plan)
        files.begin(labels)
        for one in variables(self.plan):
            target = files.variable(one, self.plan.shape, labels)
            for low, high, where in blocks(self.plan.shape, one):
                values = gathered(self.plan, one, low, high, self._rows)
                lengths = [piece.stop - piece.start for piece in where]
                target[where] = values.reshape(*lengths, *self.plan.shape[len(where) :], *one.row)
        files.finish()

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
        except _DAMAGED:
            with failing(self.folder):
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
    check_arrays(path)
    found: xr.Dataset = xr.open_zarr(
        path, consolidated=True, chunks=None, decode_times=False, decode_timedelta=False
    )
    known = [name for name in (*NAMES, UNTREATED, STATUS) if name in found]
    rows = pd.read_csv(Path(folder) / FAILURES, keep_default_na=False)
    return found[known], table_of(rows.itertuples(index=False, name=None))


def _part(chunk: int) -> str:
    return f"{chunk:06d}.npz"
