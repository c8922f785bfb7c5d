"""A folder for one piece of long work: one writer, nothing half-written, gone on with later.

``<name>.json`` says what the work is, and its hash tells it from any other; ``parts/`` holds what
is finished.
"""

import fcntl
import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

from mtorsim.errors import InputError, MtorsimError, shown

PARTS, LOCK = "parts", ".lock"
_UNFINISHED = ".unfinished"  # ending of what is being written

_held: set[Path] = set()  # directories that this process works on: its own locks do not stop it
_holding = threading.Lock()


class WorkFolder:
    """The folder of one piece of work.

    Parameters
    ----------
    folder : Path
    what : str
        What it is called, such as ``"sweep"``, whose ``sweep.json`` says what it is.
    identity : callable
        Returns what the work is, JSON values with a ``"hash"``.
    keys : str
        What must be the same to go on, in words.
    """

    def __init__(
        self, folder: Path, what: str, identity: Callable[[], Mapping[str, Any]], keys: str
    ) -> None:
        self.folder, self.what, self.about = folder, what, f"{what}.json"
        self._identity, self._keys = identity, keys

    @contextmanager
    def opened(self, *, resume: bool, is_done: Callable[[], bool]) -> Iterator[None]:
        """Hold the folder; nobody else writes to it meanwhile.

        Raises
        ------
        InputError
            When it holds other work, or this and `resume` is not given, or another process works
            on it.
        MtorsimError
            When it cannot be written to.
        """
        self._check_empty()
        with self._locked(lambda: resume and is_done()):
            self._check(resume, is_done)
            if not (self.folder / self.about).exists():
                self.write(self.about, as_json(self._identity()))
            yield

    def write(self, name: str, content: bytes) -> None:
        """Write a file of the folder: wholly, or not at all."""
        path = self.folder / name
        draft = path.with_name(path.name + _UNFINISHED)
        with failing(self.folder):
            try:
                with draft.open("wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                draft.replace(path)
            finally:
                with suppress(OSError):
                    draft.unlink(missing_ok=True)

    def parts(self, ending: str) -> list[Path]:
        """Return the finished parts, in order of their names."""
        with failing(self.folder):
            (self.folder / PARTS).mkdir(exist_ok=True)
            return sorted((self.folder / PARTS).glob(f"*.{ending}"))

    # -- inside ------------------------------------------------------------------------------

    def _check_empty(self) -> None:
        """Refuse a folder with files that are not of such work."""
        name, what = self._name, self.what
        with failing(self.folder):
            if not self.folder.exists() or (self.folder / self.about).exists():
                return
            if not self.folder.is_dir():
                raise InputError(f"{name} is a file. Expected a new or empty folder.")
            ours = (LOCK, PARTS, self.about + _UNFINISHED)
            # Parts are only written beside the file that says of what: these would be anybody's.
            parts = list((self.folder / PARTS).glob("*"))
            if parts or any(one.name not in ours for one in self.folder.iterdir()):
                raise InputError(
                    f"{name} holds other files. Expected a new or empty folder, or one of this "
                    f"{what}."
                )

    def _check(self, resume: bool, is_done: Callable[[], bool]) -> None:
        """Refuse other work, and what is not to be gone on with."""
        about = self.folder / self.about
        if not about.exists():
            return
        if differs := _difference(about, self._identity()):
            raise InputError(
                f"{self._name} holds another {self.what} ({differs}). Give another folder, or the "
                f"same {self._keys} as in its {self.about}."
            )
        if not resume:
            state, then = "was interrupted", "go on from there"
            if is_done():
                state, then = "is finished", "read it again"
            raise InputError(
                f"{self._name} holds this {self.what}, which {state}. Give --resume (in "
                f"Python resume=True) to {then}, or "
                "another folder."
            )

    @property
    def _name(self) -> str:
        return f"--out {shown(str(self.folder))}"

    @contextmanager
    def _locked(self, is_only_read: Callable[[], bool]) -> Iterator[None]:
        """Hold the lock of the directory; a forked process does not inherit it.

        Where nothing can be written there is none, and none is needed for what is only read.
        """
        path = self.folder.resolve()
        # Asked first: to open and close the file again would let go of this process's own lock.
        with _holding:
            is_free = path not in _held
            _held.add(path)
        try:
            if not is_free:
                raise self._busy()
            with self._lock_file(is_only_read) as file:
                if file is not None:
                    with failing(self.folder):  # some network drives have no locks
                        is_mine = _lock(file)
                    if not is_mine:
                        raise self._busy()
                yield
        finally:
            if is_free:
                _held.discard(path)

    def _lock_file(self, is_only_read: Callable[[], bool]) -> AbstractContextManager[Any]:
        with failing(self.folder):
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
                return (self.folder / LOCK).open("w")
            except OSError:
                if is_only_read():
                    return nullcontext()
                raise

    def _busy(self) -> InputError:
        return InputError(
            f"{self._name} is being written by another process. Wait for it, or give another "
            "folder."
        )


def as_json(content: Any) -> bytes:
    """Return JSON values as text, as the file that says what a folder holds."""
    return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()


@contextmanager
def failing(folder: Path) -> Iterator[None]:
    """Turn what the system says of a folder into a `MtorsimError`."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error) or "unknown reason"
        then = ""
        with suppress(OSError):
            if folder.is_dir():
                then = " What is finished is kept: --resume goes on from there."
        raise MtorsimError(f"could not write to {shown(str(folder))}: {reason}.{then}") from None


def _lock(file: Any) -> bool:
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


def _difference(about: Path, identity: Mapping[str, Any]) -> str:
    """Return in which points other work differs from this; empty for the same."""
    try:
        known = json.loads(about.read_text(encoding="utf-8"))
        if known["hash"] == identity["hash"]:
            return ""
        keys = [key for key, value in identity.items() if known.get(key) != value]
    except (OSError, ValueError, KeyError, TypeError):
        return f"its {about.name} cannot be read"
    return f"it has other {', '.join(key for key in keys if key != 'hash')}"
