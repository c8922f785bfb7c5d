"""Processes of this machine that do the work.

Each has a pipe of its own. One that dies takes nothing along but the chunk in its hand, which is
then given to another; one that hangs is ended. A point that crashes its process, or lets it hang,
twice is given up, with the reason.
"""

import ctypes
import math
import multiprocessing
import os
import signal
import sys
import time
import warnings
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from mmap import mmap
from multiprocessing.connection import Connection, wait
from typing import Any, TypeAlias, TypeVar

from mtorsim.errors import MtorsimError
from mtorsim.sweeps.plan import Plan
from mtorsim.sweeps.work import Done, run_chunk, warm

_SHORT = 2  # chunks that a worker has of a sweep: one it does, one that waits
_CRASHES = 2  # of a point, until it is given up
_MOST_DEATHS = 10  # in a row, without a chunk finished
_PR_SET_PDEATHSIG = 1
_NOBODY = -1
_WIDTH = 8  # bytes of the number of a point
_HUNG = "no answer"
_OWN_FAULTS = ("SIGSEGV", "SIGABRT", "SIGBUS", "SIGFPE", "SIGILL", _HUNG)
_LONGEST_WAIT = 60.0  # s

PATIENCE = 900.0
"""How long a point of a sweep may take [s]; a hundred thousand steps take less than a minute."""

T = TypeVar("T")
R = TypeVar("R")
Work: TypeAlias = Callable[[int, Mapping[int, str], Callable[[int], object]], T]
"""What is done with a chunk: its number, points that are given up and why, and a function that is
called with each point before it is begun."""


def run(plan: Plan, chunks: Sequence[int], workers: int = 1) -> Generator[Done]:
    """Yield finished chunks, in any order.

    Parameters
    ----------
    plan : Plan
    chunks : sequence of int
        Which to do.
    workers : int
        Processes of this machine; 1 for this one.

    Raises
    ------
    MtorsimError
        When workers die again and again and no chunk is finished.
    """
    if workers > 1 and len(chunks) > 1:
        warm(plan)  # what is compiled here, forked processes have
    return carried_out(partial(run_chunk, plan), chunks, workers, PATIENCE, in_hand=_SHORT)


def carried_out(
    work: Work[T],
    chunks: Sequence[int],
    workers: int = 1,
    patience: float = math.inf,
    *,
    in_hand: int = 1,
) -> Generator[T]:
    """Yield what `work` makes of each chunk, in any order; as `run`, for any work.

    A worker that begins no new point for `patience` seconds hangs: it is ended, as if it had died.
    It has `in_hand` chunks at a time: more than one where a chunk is soon done, and one where it
    is long, so that none waits behind it while others have nothing to do.
    """
    if workers == 1 or len(chunks) <= 1:
        return (work(chunk, {}, lambda _point: None) for chunk in chunks)
    return _in_processes(work, chunks, min(workers, len(chunks)), patience, in_hand)


def each(work: Callable[[T], R], items: Sequence[T], workers: int = 1) -> list[R]:
    """Return what `work` makes of each item, in their order.

    Raises
    ------
    MtorsimError
        When an item crashes its process twice, or workers die again and again.
    """
    found = dict(carried_out(partial(_one, work, items), range(len(items)), workers))
    return [found[place] for place in range(len(items))]


def _one(
    work: Callable[[T], R],
    items: Sequence[T],
    place: int,
    given_up: Mapping[int, str],
    begin: Callable[[int], object],
) -> tuple[int, R]:
    begin(place)
    if place in given_up:
        raise MtorsimError(f"number {place}: {given_up[place]}")
    return place, work(items[place])


def _in_processes(
    work: Work[T], chunks: Sequence[int], workers: int, patience: float, in_hand: int
) -> Generator[T]:
    waiting, losses = deque(chunks), _Losses()
    crew: list[_Worker] = []
    try:
        crew.extend(_Worker(work) for _ in range(workers))
        while waiting or any(one.chunks for one in crew):
            for one in crew:
                while waiting and len(one.chunks) < in_hand:
                    one.give(waiting.popleft(), losses.given_up)
            ready = wait([one.pipe for one in crew], min(patience / 4, _LONGEST_WAIT))
            for place, one in enumerate(crew):
                if one.pipe not in ready and one.hangs(patience):
                    one.process.kill()  # its pipe ends: so it is found dead in the next round
                if one.pipe not in ready:
                    continue
                if (done := one.take()) is None:
                    losses.count(one)
                    waiting.extendleft(reversed(one.chunks))
                    crew[place] = _Worker(work)
                else:
                    losses.in_a_row = 0
                    yield done
    finally:
        for one in crew:
            one.stop()


class _Worker:
    """A process, the parent's end of its pipe, and the chunks that it was given."""

    def __init__(self, work: Work[Any]) -> None:
        context: Any = multiprocessing.get_context("fork")  # has the compiled models at once
        self.pipe, theirs = context.Pipe()
        self.place = mmap(-1, _WIDTH)  # which point is in hand; needs no file, as a RawValue does
        _put(self.place, _NOBODY)
        self.chunks: deque[int] = deque()
        self.is_hung = False
        self._seen = (_NOBODY, 0), time.monotonic()  # where it was, and since when
        self.process = context.Process(
            target=_serve, args=(theirs, work, self.place, os.getpid()), daemon=True
        )
        with _no_interrupts(), warnings.catch_warnings():
            # Python warns of forks beside threads. Those of numpy and zarr hold no lock that a
            # worker needs: it only simulates.
            warnings.simplefilter("ignore", DeprecationWarning)
            self.process.start()
        theirs.close()  # now the pipe ends when the worker does

    def give(self, chunk: int, given_up: Mapping[int, str]) -> None:
        """Hand over a chunk; that the worker is dead shows when its answer is due."""
        self.chunks.append(chunk)
        with suppress(OSError):
            self.pipe.send((chunk, dict(given_up)))

    def hangs(self, patience: float) -> bool:
        """Return whether a worker has begun no point for so long [s]; it is looked at often."""
        now, point = time.monotonic(), (_taken(self.place), len(self.chunks))
        if point != self._seen[0] or not self.chunks:
            self._seen = point, now
        self.is_hung = self.is_hung or now - self._seen[1] > patience
        return self.is_hung

    def take(self) -> Any:
        """Return a finished chunk; None when the worker has died.

        Raises
        ------
        Exception
            What the worker raised.
        """
        try:
            found = self.pipe.recv()
        except (EOFError, OSError):
            self.stop()
            return None
        if isinstance(found, BaseException):
            raise found
        self.chunks.popleft()
        return found

    def stop(self) -> None:
        """End the process at once: what runs is not finished work."""
        self.process.kill()
        self.process.join()
        self.pipe.close()


class _Losses:
    """Workers that died, and the points that are given up for it.

    A signal that a process does not bring on itself, as SIGKILL for want of memory, is nobody's
    fault: such work is tried again, until no worker gets anything done.
    """

    def __init__(self) -> None:
        self.crashes: Counter[int] = Counter()
        self.given_up: dict[int, str] = {}
        self.in_a_row = 0

    def count(self, worker: _Worker) -> None:
        point = _taken(worker.place)
        name = _HUNG if worker.is_hung else _said(worker.process.exitcode)
        self.in_a_row += 1
        if self.in_a_row >= _MOST_DEATHS:
            raise MtorsimError(
                f"{self.in_a_row} workers died one after the other, the last by {name}. Finished "
                "chunks are kept. Is there enough memory? Try fewer workers."
            )
        if point != _NOBODY and name in _OWN_FAULTS:
            self.crashes[point] += 1
            if self.crashes[point] >= _CRASHES:
                did = "hangs" if name == _HUNG else f"crashed its process ({name})"
                self.given_up[point] = f"the solver {did}."


def _said(code: int | None) -> str:
    """Say how a process ended: ``"SIGKILL"``, ``"signal 40"``, ``"status 1"``."""
    if code is None or code >= 0:
        return f"status {code}"
    return next((one.name for one in signal.Signals if one == -code), f"signal {-code}")


def _put(place: mmap, point: int) -> None:
    place[:] = point.to_bytes(_WIDTH, sys.byteorder, signed=True)


def _taken(place: mmap) -> int:
    return int.from_bytes(place[:], sys.byteorder, signed=True)


@contextmanager
def _no_interrupts() -> Iterator[None]:
    """Hold Ctrl-C back; a process forked meanwhile never gets it and leaves it to its parent."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


# -- in the worker -------------------------------------------------------------------------------


def _serve(pipe: "Connection[Any, Any]", work: Work[Any], here: mmap, parent: int) -> None:
    """Do chunks until the pipe ends."""
    end_with(parent)

    def begin(point: int) -> None:
        _put(here, point)

    with suppress(EOFError, OSError):
        while True:
            chunk, given_up = pipe.recv()
            try:
                found: Any = work(chunk, given_up, begin)
            except Exception as error:  # noqa: BLE001 - raised again in the parent
                found = error
            begin(_NOBODY)
            pipe.send(found)


def end_with(parent: int) -> None:
    """Do not outlive the parent."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before that was in force
        os._exit(1)
