"""A Dask cluster that does the work, with the same tasks as processes of this machine."""

import pickle
import re
import threading
from collections.abc import Generator, Sequence
from functools import lru_cache
from typing import Any

from mtorsim.errors import InputError, MtorsimError, shown
from mtorsim.sweeps.plan import Plan
from mtorsim.sweeps.work import Done, run_chunk

_IN_HAND = 3  # chunks that wait for each thread of the cluster
_FEWEST = 8
_PATIENCE = "10s"
_ADDRESS = re.compile(r"[a-z]+://\S+|[^\s:/]+:[0-9]+")

_one_at_a_time = threading.Lock()  # a compiled model is one thread's


def run(plan: Plan, chunks: Sequence[int], address: str) -> Generator[Done]:
    """Yield chunks that a cluster has finished, in any order.

    Parameters
    ----------
    plan : Plan
    chunks : sequence of int
        Which to do.
    address : str
        Of the scheduler. Its workers have the same versions and models as this machine.

    Raises
    ------
    InputError
        For a cluster that cannot be reached, or whose workers would give other numbers.
    MtorsimError
        When the cluster is lost, or workers die again and again.
    """
    client, as_completed = _client(address)
    waiting = iter(chunks)
    try:
        # A task hands the plan on, so that it is not lost with the worker that holds it.
        sent = client.submit(_handed_on, pickle.dumps(plan), pure=False)

        def submitted(count: int) -> list[Any]:
            some = [chunk for _, chunk in zip(range(count), waiting, strict=False)]
            return [client.submit(_work, sent, plan.hash, one, pure=False) for one in some]

        running = as_completed(submitted(_room(client)), loop=client.loop)
        for future in running:
            yield future.result()
            future.release()
            for one in submitted(max(0, _room(client) - running.count())):
                running.add(one)
    except MtorsimError:
        raise
    except Exception as error:
        raise MtorsimError(
            f"--dask {address!r}: {_reason(error)} Finished chunks are kept."
        ) from error
    finally:
        client.close()


def check(address: str) -> None:
    """Raise `InputError` if there is no cluster at an address."""
    _client(address)[0].close()


def _room(client: Any) -> int:
    """Return how many chunks the cluster is given at once."""
    return int(max(_FEWEST, _IN_HAND * sum(client.nthreads().values())))


def _client(address: str) -> tuple[Any, Any]:
    try:
        from distributed import Client, as_completed
    except ImportError:
        raise InputError("--dask: Dask is not installed. pip install 'mtorsim[cluster]'.") from None
    if not _ADDRESS.fullmatch(address):  # Dask complains of these again when it cleans up
        raise InputError(
            f"--dask {shown(address)}: no scheduler answers. Expected an address such as "
            "tcp://10.0.0.1:8786."
        )
    try:
        # Not the default: the caller may have a cluster of its own.
        client = Client(address, timeout=_PATIENCE, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"--dask {address!r}: no scheduler answers. {_reason(error)}") from None
    return client, as_completed


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())[:200].rstrip(".")
    return f"{text or type(error).__name__}."


# -- in the worker -------------------------------------------------------------------------------


def _handed_on(packed: bytes) -> bytes:
    return packed


def _work(packed: bytes, expected: str, chunk: int) -> Done:
    """Do a chunk of a packed plan."""
    with _one_at_a_time:
        return run_chunk(_plan(packed, expected), chunk)


@lru_cache(maxsize=4)
def _plan(packed: bytes, expected: str) -> Plan:
    """Return a plan that was sent here, unpacked and compared once per process."""
    found = pickle.loads(packed)  # noqa: S301 - packed by the process that sent the task
    assert isinstance(found, Plan)
    if found.hash != expected:
        versions = ", ".join(" ".join(one) for one in found.identity["versions"].items())
        raise InputError(
            f"a worker of the cluster has other models or versions ({versions}) and would give "
            "other numbers. Install the same everywhere."
        )
    return found
