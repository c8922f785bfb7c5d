"""What was computed once and need not be computed again: bytes under a name that says what from.

They lie in ``mtorsim/`` below the user's cache folder, ``XDG_CACHE_HOME`` or ``~/.cache``, or below
the folder that ``MTORSIM_CACHE`` names; ``MTORSIM_CACHE=off`` keeps nothing. No result depends on
it: what is missing, damaged, not allowed or not this user's own is computed anew, to the same bits.
"""

import hashlib
import os
import re
import stat
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from mtorsim import __version__

VARIABLE = "MTORSIM_CACHE"
"""Environment variable: a folder, or ``off``."""

LIMIT = 200_000_000
"""Most bytes on disk; beyond them what was used longest ago goes."""

_PRIVATE = 0o700
_DIGEST = 32  # bytes of a SHA-256
_OURS = re.compile(r"[a-z]+-[0-9a-f]{64}(\.[0-9a-f]{12})?")  # a name, and of what is being written


def name(kind: str, *parts: str) -> str:
    """Return the name of what follows from some parts and from the code of this package.

    Parameters
    ----------
    kind : str
        What it is, such as ``"sbml"``.
    *parts : str
        Everything that it depends on.
    """
    found = hashlib.sha256(_code())
    for part in parts:
        content = part.encode()
        found.update(len(content).to_bytes(8, "big"))  # so that "ab", "c" is not "a", "bc"
        found.update(content)
    return f"{kind}-{found.hexdigest()}"


@cache
def installed(package: str) -> str:
    """Say which copy of a package is installed, without importing it: its place, size and time."""
    found = find_spec(package)
    if found is None or found.origin is None:
        return ""
    file = Path(found.origin).stat()
    return f"{found.origin} {file.st_size} {file.st_mtime_ns}"


def text(kind: str, parts: Iterable[str], make: Callable[[], str]) -> str:
    """Return a text that follows from `parts`: the kept one, or what `make` returns, then kept."""
    if folder() is None:
        return make()
    place = name(kind, *parts)
    kept = read(place)
    if kept is not None:
        return kept.decode()
    made = make()
    write(place, made.encode())
    return made


def read(place: str) -> bytes | None:
    """Return what was kept under a name; None when nothing is there that may be trusted."""
    where = folder()
    if where is None:
        return None
    try:
        with open(where / place, "rb", opener=_without_links) as file:
            if not _is_own(os.fstat(file.fileno()), stat.S_ISREG):
                return None
            content = file.read()
            with suppress(OSError):  # on a disk that is only read
                os.utime(file.fileno())  # used now: others go first
    except OSError:
        return None
    digest, packed = content[:_DIGEST], content[_DIGEST:]
    return zlib.decompress(packed) if digest == _digest(place, packed) else None


def write(place: str, content: bytes) -> None:
    """Keep bytes under a name, all of them or none; where that cannot be done, do nothing."""
    where = folder()
    if where is None:
        return
    packed = zlib.compress(content, level=1)
    if len(packed) > LIMIT // 4:
        return
    draft = where / f"{place}.{os.urandom(6).hex()}"
    with suppress(OSError):
        try:
            with open(draft, "xb", opener=_for_this_user) as file:
                file.write(_digest(place, packed) + packed)
            draft.replace(where / place)
        finally:
            draft.unlink(missing_ok=True)
        _make_room(where)


def folder() -> Path | None:
    """Return the folder, made if it is not there; None when it is off or not this user's alone."""
    base = _base()
    if base is None or not hasattr(os, "geteuid"):
        return None
    where = base / "mtorsim"
    try:
        where.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
        return where if _is_own(where.lstat(), stat.S_ISDIR) else None
    except OSError:
        return None


def _base() -> Path | None:
    chosen = os.environ.get(VARIABLE, "")
    if chosen.casefold() == "off":
        return None
    if chosen:
        return Path(chosen).absolute()
    shared = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if shared.is_absolute():  # by its specification anything else is to be ignored
        return shared
    try:
        return Path.home() / ".cache"
    except RuntimeError:  # a user without a home
        return None


def _is_own(found: os.stat_result, is_kind: Callable[[int], bool]) -> bool:
    """Return whether nobody but this user can have written or may open something."""
    mine = found.st_uid == os.geteuid() and not found.st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    return mine and is_kind(found.st_mode)


def _without_links(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)  # nor wait at a named pipe


def _for_this_user(path: str, flags: int) -> int:
    return os.open(path, flags, mode=0o600)


def _digest(place: str, packed: bytes) -> bytes:
    return hashlib.sha256(place.encode() + packed).digest()


def _make_room(where: Path) -> None:
    """Remove what was used longest ago until the rest is within the limit."""
    files = sorted(_files(where), reverse=True)
    total = 0
    for _, size, path in files:
        total += size
        if total > LIMIT:
            path.unlink(missing_ok=True)


def _files(where: Path) -> Iterator[tuple[int, int, Path]]:
    for path in where.iterdir():
        if not _OURS.fullmatch(path.name):
            continue  # somebody's own file, in a folder that happens to have our name
        with suppress(FileNotFoundError):  # another process makes room, too
            found = path.lstat()
            if not stat.S_ISDIR(found.st_mode):
                yield found.st_mtime_ns, found.st_size, path


@cache
def _code() -> bytes:
    """Return a digest of the code of this package: a name holds for one state of it only."""
    found = hashlib.sha256(__version__.encode())
    here = Path(__file__).parent
    for path in sorted((*here.glob("*.py"), *here.glob("engine/*.py"))):
        found.update(path.read_bytes())
    return found.digest()
