"""A process that watches over the one that does the work.

While a library underneath computes, Python answers no Ctrl-C, and when it crashes, Python says
nothing. So the work is done in a child; this process, which computes nothing, answers at once.
"""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from types import FrameType
from typing import NoReturn

_PATIENCE = 0.6  # s: time to tidy up after Ctrl-C
_LOOK = 0.02  # s
_INTERRUPTED = 130
_INTERRUPT = getattr(signal, "SIGUSR1", None)  # from this process to the child; none elsewhere
_ENDS = {getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)}
_CRASHES = ("SIGSEGV", "SIGABRT", "SIGBUS", "SIGFPE", "SIGILL")
_PR_SET_PDEATHSIG = 1

_heard: list[int] = []  # signals that ask for the end


def guarded(work: Callable[[], int]) -> int:
    """Return the exit status of some work; it returns twice, in the child and in the parent.

    Ctrl-C ends the work within a second whatever it does; a crash is an error of one line; and the
    work does not outlive this process. To be called before any thread is started; a Ctrl-C that
    was held back until then is answered.
    """
    if not hasattr(os, "fork") or _INTERRUPT is None:
        return work()
    parent = os.getpid()
    was_listening = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    heard = {one for one in _ENDS if signal.getsignal(one) is not signal.SIG_IGN}
    held = {*_ENDS, _INTERRUPT, signal.SIGCHLD}
    # Held back until the child is ready. This process never lets them in, but asks for them: no
    # moment is left at which one could come unnoticed, or at the wrong place.
    signal.pthread_sigmask(signal.SIG_BLOCK, held)
    signal.signal(signal.SIGCHLD, _passed_by)  # some systems drop what nobody handles
    child = os.fork()
    if child == 0:
        _end_with(parent)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        if was_listening:
            signal.signal(_INTERRUPT, _interrupted)
            signal.signal(signal.SIGINT, _passed_by)  # not SIG_IGN, which compilers would inherit
        return _left(_worked(work, held))
    while (number := signal.sigwait({*heard, signal.SIGCHLD})) == signal.SIGCHLD:
        ended, code = os.waitpid(child, os.WNOHANG)
        if ended:
            return _status(os.waitstatus_to_exitcode(code))
    return _stopped(child, 128 + number)


def _worked(work: Callable[[], int], held: Iterable[int]) -> int:
    """Do the work; Ctrl-C is answered from here on, wherever it finds the program."""
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, held)
        return work()
    except KeyboardInterrupt:
        _complain("interrupted")
        return _INTERRUPTED


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
    assert _INTERRUPT is not None
    os.kill(child, _INTERRUPT)
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        ended, code = os.waitpid(child, os.WNOHANG)
        if ended:
            if os.waitstatus_to_exitcode(code) != _INTERRUPTED:  # else it has said so itself
                _complain("interrupted")
            return status
        time.sleep(_LOOK)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    _complain("interrupted")
    return status


def _status(code: int) -> int:
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


def _interrupted(number: int, _frame: FrameType | None) -> NoReturn:
    """End the work; what is cleared away meanwhile, or swallows this, says nothing of it."""
    sys.unraisablehook = lambda _about: None
    _heard.append(number)
    raise KeyboardInterrupt


def was_interrupted() -> bool:
    """Return whether Ctrl-C was heard: some libraries make another error of it."""
    return bool(_heard)


def _passed_by(_number: int, _frame: FrameType | None) -> None:
    """Do nothing: of Ctrl-C the parent hears as well, and passes it on once."""


def _end_with(parent: int) -> None:
    """Let the system end this process with its parent."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before that was in force
        os._exit(1)
