"""How far work has come: a bar on a terminal, lines in a log."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mtorsim.cli import screen
from mtorsim.errors import InputError

_BETWEEN_LINES = 5.0  # seconds, where there is no terminal


def workers_of(given: int | None) -> int:
    """Return the number of processes: as given, or one a core."""
    if given is None:
        if hasattr(os, "sched_getaffinity"):
            return len(os.sched_getaffinity(0))
        return os.cpu_count() or 1
    if not 1 <= given <= 1024:
        raise InputError(f"--workers: {given} is not from 1 to 1024.")
    return given


def said_time(seconds: float) -> str:
    """Return seconds in words: ``"12 s"``, ``"3 min"``."""
    if seconds < 90:
        return f"{max(seconds, 1):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


@contextmanager
def keeping(out: str) -> Iterator[None]:
    """Say after Ctrl-C how to go on with what a folder keeps, if there is anything."""
    try:
        yield
    except KeyboardInterrupt:
        if Path(out).exists():
            screen.complain(f"{out!r} keeps what is finished: --resume goes on from there.", False)
        raise


@contextmanager
def progress_bar(is_quiet: bool, done_as: str) -> Iterator[Callable[[int, int], None] | None]:
    """Give what shows progress: a bar on a terminal, plain lines elsewhere, None when quiet."""
    if is_quiet or sys.stderr is None:
        yield None
    elif sys.stderr.isatty():
        with _bar() as update:
            yield update
    else:
        yield _Lines(done_as)


@contextmanager
def _bar() -> Iterator[Callable[[int, int], None]]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("work", total=None, rate="")
        rate = _Rate()

        def update(done: int, count: int) -> None:
            bar.update(task, completed=done, total=count, rate=rate.said(done))

        yield update


class _Rate:
    """Simulations a second, from the first call on."""

    def __init__(self) -> None:
        self.begun: float | None = None
        self.first = 0

    def per_second(self, done: int) -> float:
        if self.begun is None:
            self.begun, self.first = time.monotonic(), done
        elapsed = time.monotonic() - self.begun
        return (done - self.first) / elapsed if elapsed > 0 else 0.0

    def said(self, done: int) -> str:
        rate = self.per_second(done)
        return f"{rate:.3g}/s" if rate else ""


class _Lines:
    """Progress for a log: a line every few seconds, and one at the end."""

    def __init__(self, done_as: str) -> None:
        self.done_as = done_as
        self.rate, self.said = _Rate(), time.monotonic()

    def __call__(self, done: int, count: int) -> None:
        rate = self.rate.per_second(done)
        if done < count and time.monotonic() - self.said < _BETWEEN_LINES:
            return
        self.said = time.monotonic()
        left = f", {said_time((count - done) / rate)} left" if rate and done < count else ""
        speed = f", {rate:.3g}/s" if rate else ""
        sys.stderr.write(f"{done} of {count} {self.done_as}{speed}{left}\n")
        sys.stderr.flush()
