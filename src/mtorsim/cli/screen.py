"""What the user sees: text and tables on standard output, complaints on standard error."""

import json
import math
import os
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from itertools import count
from shutil import get_terminal_size
from typing import Any, TypeVar

from mtorsim.errors import MtorsimError

_LONGEST = 2000  # letters of a line of a complaint: a path may have a hundred times as many

T = TypeVar("T")


@dataclass(frozen=True)
class Column:
    """A column of a table: its title, and whether its cells are numbers."""

    title: str
    is_number: bool = False


def say(text: str) -> None:
    """Print text. A reader that has gone away, as ``head`` does, is no error."""
    if sys.stdout is None:  # closed by the caller
        return
    try:
        sys.stdout.write(_printable(text if text.endswith("\n") else text + "\n"))
        sys.stdout.flush()
    except BrokenPipeError:
        # Python would complain once more when it closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        raise MtorsimError(f"could not write to standard output: {error.strerror}.") from None


def say_json(value: Any) -> None:
    """Print a value as JSON; numbers that JSON does not know become null."""
    say(json.dumps(_plain(value), indent=2, ensure_ascii=False, allow_nan=False))


def say_table(columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> None:
    """Print a table; on a terminal it is folded to the width, elsewhere it is as wide as needed."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    is_terminal = sys.stdout is not None and sys.stdout.isatty()
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
    for column in columns:
        side = "right" if column.is_number else "left"
        table.add_column(Text(column.title), justify=side, overflow="fold")  # type: ignore[arg-type]
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    page = StringIO()
    console = Console(
        file=page,
        width=get_terminal_size().columns if is_terminal else 10_000,
        force_terminal=is_terminal,
        no_color=True,
        highlight=False,
    )
    console.print(table)
    say("\n".join(line.rstrip() for line in page.getvalue().splitlines()) + "\n")


@contextmanager
def counting(what: str, total: int, *, is_quiet: bool = False) -> Iterator[Callable[..., Any]]:
    """Give a function that counts items as they are taken, on standard error if a terminal.

    What it writes is wiped out in the end, however that comes.
    """
    is_shown = not is_quiet and sys.stderr is not None and sys.stderr.isatty()
    numbers = count(1)

    def counted(items: Iterable[T]) -> Iterator[T]:
        for item in items:
            if is_shown:
                sys.stderr.write(f"\r{what}: {next(numbers)} of {total}")
                sys.stderr.flush()
            yield item

    try:
        yield counted
    finally:
        if is_shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def complain(message: str, is_debugging: bool) -> None:
    """Print a message to standard error, on one or two lines; with the traceback for debugging."""
    if sys.stderr is None:  # closed by the caller; `print` would take standard output instead
        return
    try:
        if is_debugging:
            traceback.print_exc()
        lines = [line for line in message.splitlines() if line.strip()]
        short = [*lines[:1], " ".join(line.strip() for line in lines[1:])]
        cut = [line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…" for line in short if line]
        print("\n".join(cut), file=sys.stderr)  # noqa: T201
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def _printable(text: str) -> str:
    # A terminal that cannot show a sign gets a question mark, not a crash.
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return text.encode(encoding, "replace").decode(encoding)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
