"""Zarr, written a few megabytes at a time, and read by xarray and others as it is."""

import itertools
import json
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import xarray as xr
import zarr

from mtorsim.errors import InputError, shown
from mtorsim.sweeps.labels import Variable

Where: TypeAlias = tuple[slice, ...]

_CHUNK_BYTES = 4_000_000  # of an array in the store: reads well over a network too
_BLOCK_BYTES = 128_000_000  # that are held in memory at once

# Format 2 holds text without an extension that others cannot read, and a compressor that is
# named and works on one thread gives the same bytes everywhere.
_FORMAT: Any = {"zarr_format": 2}
_COMPRESSOR: Any = {"id": "zstd", "level": 3}
_SUMMARY = ".zmetadata"


class ZarrFiles:
    """A group of arrays that is being written.

    Parameters
    ----------
    folder : Path
        New.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._group = zarr.open_group(folder, mode="w", **_FORMAT)

    def begin(self, labels: xr.Dataset) -> None:
        """Write the attributes of the whole and the coordinates."""
        self._group.attrs.update(labels.attrs)
        for name, one in labels.coords.items():
            values = one.to_numpy()
            chunks = (max(1, min(len(values), _CHUNK_BYTES // values.dtype.itemsize)),)
            self._array(str(name), values.shape, values.dtype, chunks, one.dims, one.attrs)[:] = (
                values
            )

    def variable(self, one: Variable, shape: tuple[int, ...], labels: xr.Dataset) -> Any:
        """Return a new array for a variable of that shape of points."""
        loose = [str(name) for name in labels.coords if name not in labels.dims]
        attributes = one.attributes | {"coordinates": " ".join(loose)}
        size = (*shape, *one.row)
        chunks = (*_points_of_chunk(shape, one), *one.row)
        return self._array(one.name, size, np.dtype(one.dtype), chunks, one.dimensions, attributes)

    def finish(self) -> None:
        """Write the summary of all arrays, and see that everything reached the disk."""
        # zarr itself lists arrays in the order of the directory, which is nobody's.
        about = sorted(path for path in self.folder.rglob(".z*") if path.name != _SUMMARY)
        content = {
            path.relative_to(self.folder).as_posix(): json.loads(path.read_bytes())
            for path in about
        }
        summary = {"metadata": content, "zarr_consolidated_format": 1}
        (self.folder / _SUMMARY).write_text(json.dumps(summary, indent=1), encoding="utf-8")
        for path in sorted(self.folder.rglob("*")):
            file = os.open(path, os.O_RDONLY)
            try:
                os.fsync(file)
            finally:
                os.close(file)

    def _array(
        self,
        name: str,
        shape: tuple[int, ...],
        dtype: np.dtype[Any],
        chunks: tuple[int, ...],
        dimensions: Any,
        attributes: dict[str, Any],
    ) -> Any:
        return self._group.create_array(
            name,
            shape=shape,
            dtype=dtype,
            chunks=chunks,
            compressors=_COMPRESSOR,
            filters=None,
            fill_value=None,
            config={"write_empty_chunks": True},  # without a fill value all must be there
            attributes={"_ARRAY_DIMENSIONS": [str(one) for one in dimensions], **attributes},
        )


def check_arrays(folder: Path) -> None:
    """Refuse a store that is not as written here: it may be somebody else's.

    Zarr knows filters that unpickle what they find, which runs any code; links lead elsewhere.

    Raises
    ------
    InputError
        Naming the file.
    """
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            raise InputError(f"{shown(str(path))} is a link; a store holds none.")
        if path.name in (_SUMMARY, ".zarray"):
            try:
                about = json.loads(path.read_bytes())
                every = about["metadata"].items() if path.name == _SUMMARY else [(".zarray", about)]
                arrays = [one for name, one in every if name.endswith(".zarray")]
                is_ours = all(map(_is_plain, arrays))
            except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
                is_ours = False
            if not is_ours:
                raise InputError(f"{shown(str(path))} is not as mtorsim writes it: not read.")


def _is_plain(about: dict[str, Any]) -> bool:
    """Whether an array holds numbers, truth values or text, packed as we pack them."""
    kind = np.dtype(about["dtype"]).kind
    packed_by = about["compressor"] is None or about["compressor"]["id"] == _COMPRESSOR["id"]
    return kind in "biufUS" and not about["filters"] and packed_by


def blocks(shape: tuple[int, ...], one: Variable) -> Iterator[tuple[int, int, Where]]:
    """Yield pieces of an array that fit into memory and consist of whole chunks.

    Yields
    ------
    int, int
        The first point, and that after the last.
    tuple of slice
        Where they are in the array.
    """
    cut = _points_of_chunk(shape, one)
    place = next((k for k in reversed(range(len(shape))) if cut[k] < shape[k]), 0)
    inner = math.prod(shape[place + 1 :])
    bytes_of_chunk = cut[place] * inner * _row_bytes(one)
    step = cut[place] * max(1, _BLOCK_BYTES // max(bytes_of_chunk, 1))
    for outer in itertools.product(*(range(n) for n in shape[:place])):
        base = sum(k * math.prod(shape[n + 1 :]) for n, k in enumerate(outer))
        for low in range(0, shape[place], step):
            high = min(low + step, shape[place])
            where = (*(slice(k, k + 1) for k in outer), slice(low, high))
            yield base + low * inner, base + high * inner, where


def _points_of_chunk(shape: tuple[int, ...], one: Variable) -> tuple[int, ...]:
    """Return how many points a chunk has along each axis: whole runs of the last, then less."""
    left = max(1, _CHUNK_BYTES // _row_bytes(one))
    found: list[int] = []
    for length in reversed(shape):
        found.insert(0, max(1, min(length, left)))
        left //= found[0]
    return tuple(found)


def _row_bytes(one: Variable) -> int:
    return max(1, math.prod(one.row) * np.dtype(one.dtype).itemsize)
