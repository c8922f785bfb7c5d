"""Who does the work: this process, processes of this machine, or a Dask cluster.

All do the same tasks and give the same numbers. A worker that dies takes its chunk with it, which
is then given to another; a chunk that kills every worker it is given to is an error.
"""

import ctypes
import multiprocessing
import os
import pickle
import signal
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from mtorsim.errors import InputError, MtorsimError
from mtorsim.sweep.plan import Plan
from mtorsim.sweep.work import Done, run_chunk, warm, work

_TRIES = 3  # of a chunk whose worker died
_AHEAD = 3  # chunks in the queue of each worker
_PR_SET_PDEATHSIG = 1


def run(
    plan: Plan, chunks: Sequence[int], *, workers: int = 1, dask: str | None = None
) -> Iterator[Done]:
    """Yield finished chunks, in any order.

    Parameters
    ----------
    plan : Plan
    chunks : sequence of int
        Which to do.
    workers : int
        Processes of this machine; 1 for this one.
    dask : str, optional
        Address of the scheduler of a Dask cluster, which then does the work.

    Raises
    ------
    InputError
        For a cluster that cannot be reached.
    MtorsimError
        When workers die again and again over the same chunk.
    """
    if dask is not None:
        return _on_dask(plan, chunks, dask)
    if workers == 1 or len(chunks) <= 1:
        return (run_chunk(plan, chunk) for chunk in chunks)
    return _in_processes(plan, chunks, min(workers, len(chunks)))


def _in_processes(plan: Plan, chunks: Sequence[int], workers: int) -> Iterator[Done]:
    warm(plan)  # what is compiled here, forked processes have
    packed = pickle.dumps(plan)
    left, tries = list(chunks), dict.fromkeys(chunks, 0)
    while left:
        pool = _pool(workers)
        running: dict[Future[Done], int] = {}
        try:
            for done in _drained(pool, packed, left, running, workers):
                left.remove(done.chunk)
                yield done
        except BrokenProcessPool:
            _count_deaths(running.values(), tries)
        finally:
            _stop(pool)


def _drained(
    pool: ProcessPoolExecutor,
    packed: bytes,
    chunks: Sequence[int],
    running: dict[Future[Done], int],
    workers: int,
) -> Iterator[Done]:
    """Keep a few chunks in the queue of each worker, and yield them as they finish."""
    waiting = iter(list(chunks))
    for chunk in waiting:
        running[pool.submit(work, packed, chunk)] = chunk
        if len(running) >= workers * _AHEAD:
            yield from _finished(running)
    while running:
        yield from _finished(running)


def _finished(running: dict[Future[Done], int]) -> Iterator[Done]:
    for future in wait(running, return_when=FIRST_COMPLETED).done:
        done = future.result()  # raises when its worker died; it then still counts as running
        del running[future]
        yield done


def _count_deaths(chunks: Iterable[int], tries: dict[int, int]) -> None:
    for chunk in chunks:
        tries[chunk] += 1
        if tries[chunk] >= _TRIES * _AHEAD:
            raise MtorsimError(
                f"a worker died {tries[chunk]} times with chunk {chunk} in hand or in its queue. "
                "Finished chunks are kept. Is there enough memory? Try fewer workers."
            )


def _pool(workers: int) -> ProcessPoolExecutor:
    methods = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("fork" if "fork" in methods else "spawn")
    return ProcessPoolExecutor(workers, mp_context=context, initializer=_begin,
                               initargs=(os.getpid(),))  # fmt: skip


def _begin(parent: int) -> None:
    """Leave Ctrl-C to the parent, and do not outlive it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before that was in force
        os._exit(1)


def _stop(pool: ProcessPoolExecutor) -> None:
    """Stop a pool at once: what runs is not finished work."""
    # The executor only knows how to wait for its processes, until Python 3.14.
    processes = list((pool._processes or {}).values())  # noqa: SLF001
    pool.shutdown(wait=False, cancel_futures=True)
    for process in processes:
        process.kill()
    for process in processes:
        process.join()


def _on_dask(plan: Plan, chunks: Sequence[int], address: str) -> Iterator[Done]:
    client, as_completed = _client(address)
    packed = client.scatter(pickle.dumps(plan), broadcast=True)
    try:
        futures = [
            client.submit(work, packed, chunk, pure=False, retries=_TRIES) for chunk in chunks
        ]
        for future in as_completed(futures):
            yield future.result()
            future.release()
    finally:
        client.close()


def _client(address: str) -> tuple[Any, Any]:
    try:
        from distributed import Client, as_completed
    except ImportError:
        raise InputError("--dask: Dask is not installed. pip install 'mtorsim[cluster]'.") from None
    try:
        return Client(address, timeout="10s"), as_completed
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"--dask {address!r}: no scheduler answers. {reason}") from None
