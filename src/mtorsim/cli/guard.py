"""A process that watches over the one that does the work.

While a library underneath computes, Python answers no Ctrl-C, and when it crashes, Python says
nothing. So the work is done in a child; this process, which computes nothing, answers at once.
"""

import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import NoReturn

_PATIENCE = 0.8  # s: time to tidy up after Ctrl-C
_LOOK = 0.02  # s
_INTERRUPTED = 130
_INTERRUPT = getattr(signal, "SIGUSR1", None)  # from this process to the child; none elsewhere
_CRASHES = ("SIGSEGV", "SIGABRT", "SIGBUS", "SIGFPE", "SIGILL")
_PR_SET_PDEATHSIG = 1


class _EndedError(BaseException):
    """A signal asks for the end; says with which status."""

    def __init__(self, number: int) -> None:
        self.status = 128 + number


def guarded(work: Callable[[], int]) -> int:
    """Return the exit status of some work; it returns twice, in the child and in the parent.

    Ctrl-C ends the work within a second whatever it does; a crash is an error of one line; and the
    work does not outlive this process. To be called before any thread is started.
    """
    if not hasattr(os, "fork") or _INTERRUPT is None:
        return work()
    parent = os.getpid()
    was_listening = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    # Held back until both are ready for it.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    child = os.fork()
    if child == 0:
        _end_with(parent)
        if was_listening:
            signal.signal(_INTERRUPT, signal.default_int_handler)
            signal.signal(signal.SIGINT, _passed_by)  # not SIG_IGN, which compilers would inherit
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        return _left(work())
    listened = {signal.SIGINT} if was_listening else set()
    for number in (*listened, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _ended)
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        return _status(os.waitpid(child, 0)[1])
    except _EndedError as ending:
        return _stopped(child, ending.status)


def _left(status: int) -> int:
    """Leave at once after Ctrl-C: Python takes half a second to put everything away."""
    if status == _INTERRUPTED:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError, AttributeError):
                stream.flush()
        os._exit(status)
    return status


def _stopped(child: int, status: int) -> int:
    """Ask the child to end, and end it if it does not answer; return the status of all."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    assert _INTERRUPT is not None
    os.kill(child, _INTERRUPT)
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        if os.waitpid(child, os.WNOHANG)[0]:
            return status  # it has said so itself
        time.sleep(_LOOK)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    _complain("interrupted")
    return status


def _status(waited: int) -> int:
    code = os.waitstatus_to_exitcode(waited)
    if code >= 0:
        return code
    name = signal.Signals(-code).name
    if name in _CRASHES:
        _complain(
            f"error: a library underneath crashed ({name}). No file is half-written. Please report "
            "this, with the command."
        )
        return 1
    if name == "SIGKILL":
        _complain("error: killed (SIGKILL); is there enough memory? No file is half-written.")
        return 1
    return 128 - code


def _complain(text: str) -> None:
    if sys.stderr is not None:
        sys.stderr.write(f"{text}\n")


def _ended(number: int, _frame: FrameType | None) -> NoReturn:
    raise _EndedError(number)


def _passed_by(_number: int, _frame: FrameType | None) -> None:
    """Do nothing: the parent hears the same signal and passes it on once."""


def _end_with(parent: int) -> None:
    """Let the system end this process with its parent."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before that was in force
        os._exit(1)
