"""Work on other people's files, done in a process of its own with limits on memory and time.

The libraries underneath can be crashed, or kept busy for ever, by a file that is merely broken. So
they meet it there first: what happens to that process is an error here, in one line. It is kept
for the next piece of work, starts nothing, writes no file, and ends with the process that started
it. JSON and plain arrays go to and fro, never pickles.
"""

import atexit
import importlib
import io
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

import numpy as np

from mtorsim import errors
from mtorsim.errors import MtorsimError

Arrays: TypeAlias = Mapping[str, np.ndarray[Any, Any]]
Found: TypeAlias = tuple[Any, Arrays]
"""JSON values, and arrays by name."""

_MOST_TASKS = 300  # of one process: what leaks in the libraries goes with it
_LONGER = 6  # as much time by the clock as on the processor, on a machine that others use
_LENGTH = 8  # bytes that say how long a frame is
_DONE = "done"


@dataclass(frozen=True)
class Limits:
    """What a piece of work may take.

    Attributes
    ----------
    seconds : float
        On the processor.
    megabytes : int
        Of memory.
    """

    seconds: float
    megabytes: int = 2000


class LostError(Exception):
    """The process did not survive its work; says what happened, as the end of a sentence."""


def apart(task: str, given: Mapping[str, Any], arrays: Arrays, limits: Limits) -> Found:
    """Do a piece of work in the other process.

    Parameters
    ----------
    task : str
        ``"module:function"`` of this package. It is called with `given` and `arrays`, and returns
        such a pair.
    given : mapping
        JSON values.
    arrays : mapping of str to array
    limits : Limits

    Raises
    ------
    MtorsimError
        What the work raised.
    LostError
        When the process crashed, or went over a limit.
    """
    with _turn:
        room = _rooms.get(os.getpid())
        if room is None or not room.is_open:
            room = _rooms[os.getpid()] = _Room()
        return room.ask(task, given, arrays, limits)


class _Room:
    """The other process, and the pipes to it."""

    def __init__(self) -> None:
        here = str(Path(__file__).parent.parent)
        path = os.pathsep.join(filter(None, (here, os.environ.get("PYTHONPATH"))))
        alone = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        # -P: modules are not looked up in the folder where somebody's files lie.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", "from mtorsim.apart import serve; serve()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **alone, "PYTHONPATH": path},
        )
        self._tasks = 0

    @property
    def is_open(self) -> bool:
        return self._tasks < _MOST_TASKS and self._process.poll() is None

    def ask(self, task: str, given: Mapping[str, Any], arrays: Arrays, limits: Limits) -> Found:
        self._tasks += 1
        page = {"task": task, "given": given, "seconds": limits.seconds,
                "megabytes": limits.megabytes, "folder": _here()}  # fmt: skip
        assert self._process.stdin is not None
        try:
            self._send(page, arrays)
            answer, found = self._answer(time.monotonic() + _LONGER * limits.seconds + _LONGER)
        except (OSError, EOFError, ValueError, TimeoutError) as error:
            raise LostError(self._lost(error, limits)) from None
        except BaseException:  # Ctrl-C: what runs there is not wanted any more
            self.close()
            raise
        if self._tasks >= _MOST_TASKS:
            self.close()
        if answer[0] == _DONE:
            return answer[1], found
        raise _raised(*answer)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with suppress(OSError):
                pipe.close()

    def _send(self, page: Any, arrays: Arrays) -> None:
        assert self._process.stdin is not None
        _write(self._process.stdin, page, arrays)

    def _answer(self, until: float) -> tuple[Any, Arrays]:
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], until - time.monotonic())
        if not ready:
            raise TimeoutError
        return _read(self._process.stdout)

    def _lost(self, error: Exception, limits: Limits) -> str:
        if not isinstance(error, TimeoutError):
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(1)
        code = self._process.poll()
        self.close()
        if code is None or -code == signal.SIGPROF:
            return f"took longer than {limits.seconds:.0f} s"
        if code < 0:
            return f"crashed a library underneath ({signal.Signals(-code).name})"
        return f"ended a library underneath (status {code})"


_turn = threading.RLock()
_rooms: dict[int, _Room] = {}  # a forked process starts its own
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_turn.acquire, after_in_parent=_turn.release, after_in_child=_turn.release
    )


@atexit.register
def _close() -> None:
    if (room := _rooms.pop(os.getpid(), None)) is not None:
        room.close()


def _here() -> str:
    try:
        return str(Path.cwd())
    except OSError:  # it was deleted
        return ""


def _raised(kind: str, message: str, path: list[str | int]) -> Exception:
    """Return the error that the work raised."""
    found = getattr(errors, kind, None)
    if not (isinstance(found, type) and issubclass(found, MtorsimError)):
        return LostError(f"failed in a library underneath ({kind}: {message[:200]})")
    error = found.__new__(found)  # some constructors take more than a message
    error.args = (message,)
    if path:
        error.path = tuple(path)  # type: ignore[attr-defined]
    return error


# -- frames ---------------------------------------------------------------------------------------


def _write(file: Any, page: Any, arrays: Arrays) -> None:
    packed = io.BytesIO()
    if arrays:
        np.savez(packed, allow_pickle=False, **arrays)
    for part in (json.dumps(page).encode(), packed.getvalue()):
        file.write(len(part).to_bytes(_LENGTH, "big"))
        file.write(part)
    file.flush()


def _read(file: Any) -> tuple[Any, Arrays]:
    page, packed = _frame(file), _frame(file)
    if not packed:
        return json.loads(page), {}
    with np.load(io.BytesIO(packed), allow_pickle=False) as found:
        return json.loads(page), {name: found[name] for name in found.files}


def _frame(file: Any) -> bytes:
    length = int.from_bytes(_exactly(file, _LENGTH), "big")
    return _exactly(file, length)


def _exactly(file: Any, length: int) -> bytes:
    content = bytes(file.read(length))
    if len(content) < length:
        raise EOFError
    return content


# -- in the other process -------------------------------------------------------------------------


def serve() -> None:
    """Do what is asked until the pipe ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    asked, answers = _own_pipes()
    _limit("RLIMIT_CORE", 0)
    _limit("RLIMIT_FSIZE", 0)
    with suppress(EOFError, OSError):
        while True:
            page, arrays = _read(asked)
            with _limited(asked, page["seconds"], page["megabytes"]):
                answer, found = _worked(page, arrays)
            _write(answers, answer, found)


def _own_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Return the pipes; what libraries print goes nowhere."""
    asked, answers = os.dup(0), os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    return os.fdopen(asked, "rb"), os.fdopen(answers, "wb")


def _worked(page: Mapping[str, Any], arrays: Arrays) -> tuple[Any, Arrays]:
    try:
        with suppress(OSError):
            os.chdir(page["folder"] or "/")
        module, _, name = page["task"].partition(":")
        values, found = getattr(importlib.import_module(module), name)(page["given"], arrays)
    except MtorsimError as error:
        path = list(getattr(error, "path", ()))
        return [_root(type(error)), str(error), path], {}
    except MemoryError:
        return ["MemoryError", "not enough memory", []], {}
    except Exception as error:  # noqa: BLE001 - whatever a library does is said there
        return [type(error).__name__, " ".join(str(error).split()), []], {}
    return [_DONE, values], found


def _root(kind: type[MtorsimError]) -> str:
    """Return the name of a class of `errors` that an error is."""
    return next(one.__name__ for one in kind.__mro__ if one.__module__ == errors.__name__)


class _limited:  # noqa: N801 - reads as the words around it
    """Ends this process when the work takes too long, or when the parent is gone."""

    def __init__(self, pipe: Any, seconds: float, megabytes: int) -> None:
        self._pipe, self._seconds = pipe, seconds
        _limit("RLIMIT_DATA", megabytes * 1_000_000)

    def __enter__(self) -> None:
        _watch(self._pipe, is_on=True)
        signal.setitimer(signal.ITIMER_PROF, self._seconds)  # its signal ends even what is in C

    def __exit__(self, *_error: object) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)
        _watch(self._pipe, is_on=False)


def _limit(name: str, most: int) -> None:
    with suppress(ImportError, AttributeError, ValueError, OSError):
        import resource

        kind = getattr(resource, name)
        hard = resource.getrlimit(kind)[1]
        resource.setrlimit(kind, (most if hard < 0 else min(most, hard), hard))


def _watch(pipe: Any, *, is_on: bool) -> None:
    """Let the system end this process when the other end of the pipe is closed meanwhile."""
    with suppress(ImportError, AttributeError, OSError):
        import fcntl

        flags = fcntl.fcntl(pipe, fcntl.F_GETFL)
        fcntl.fcntl(pipe, fcntl.F_SETOWN, os.getpid())
        flags = flags | os.O_ASYNC if is_on else flags & ~os.O_ASYNC
        fcntl.fcntl(pipe, fcntl.F_SETFL, flags)
        if is_on and select.select([pipe], [], [], 0)[0]:  # it had ended before
            os._exit(1)
