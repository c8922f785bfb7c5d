"""The command ``mtorsim``: words in, tables and files out, errors in one or two lines.

Exit status: 0 done, 1 ran but failed, 2 bad input, 130 interrupted.
"""

import sys
from collections.abc import Callable, Sequence

from mtorsim.cli.guard import guarded, was_interrupted
from mtorsim.errors import MtorsimError

__all__ = ["main", "status_of"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its status.

    Parameters
    ----------
    arguments : sequence of str, optional
        What follows ``mtorsim``; default: the process's own, and the work is done in a child
        that this process watches over.
    """
    if arguments is not None:
        sys.exit(status_of(list(arguments), _carry_out))
    sys.exit(guarded(lambda: status_of(sys.argv[1:], _carry_out)))


def _carry_out(arguments: Sequence[str]) -> int:
    from mtorsim.cli.commands import run_command

    return run_command(arguments)


def status_of(arguments: list[str], work: Callable[[Sequence[str]], int]) -> int:
    """Return the exit status of a command line that `work` carries out; say what went wrong."""
    from mtorsim.cli import screen

    is_debugging = "--debug" in arguments
    try:
        return work(arguments)
    except (KeyboardInterrupt, Exception) as error:  # noqa: BLE001 - one line, whatever it is
        if isinstance(error, KeyboardInterrupt) or was_interrupted():
            screen.complain("interrupted", is_debugging)
            return 130
        if isinstance(error, MtorsimError):
            screen.complain(f"error: {error}", is_debugging)
            return error.exit_status
        screen.complain(
            f"error: unexpected {type(error).__name__}: {error}. "
            "Please report this, with what --debug prints.",
            is_debugging,
        )
        return 1
