"""Files that appear complete or not at all, and are refused before the work if they cannot."""

import hashlib
import json
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from io import BytesIO
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from mtorsim.errors import InputError, MtorsimError

_FORMULA = re.compile(r"[=@\t\r]|[+-].*[(|!]", re.S)  # as spreadsheets understand it

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def check_file_target(path: str | Path) -> None:
    """Refuse a file that could not be written.

    Raises
    ------
    InputError
        When it is a folder, or its folder is missing or cannot be written to.
    """
    path = Path(path)
    with _refusing(path):
        if path.is_dir():
            raise InputError(f"cannot write {str(path)!r}: it is a folder. Expected a file name.")
        if not path.parent.is_dir():
            raise InputError(
                f"cannot write {str(path)!r}: there is no folder {str(path.parent)!r}."
            )
        _try_folder(path.parent)


def check_folder_target(folder: str | Path, names: Iterable[str]) -> None:
    """Refuse a folder that could not be made or in which `names` could not be written.

    Nothing is left behind: the folder itself is made by `write_folder`.

    Raises
    ------
    InputError
        When something else is in the way, or writing is not allowed.
    """
    folder = Path(folder)
    with _refusing(folder):
        if folder.is_symlink() and not _is_there(folder):
            raise InputError(f"cannot write to {str(folder)!r}: it is a link to nowhere.")
        there = next(filter(_is_there, (folder, *folder.absolute().parents)))
        if not there.is_dir():
            raise InputError(f"cannot write to {str(folder)!r}: {str(there)!r} is not a folder.")
        _try_folder(there)
        for name in names:
            if (folder / name).is_dir():
                raise InputError(f"cannot write {str(folder / name)!r}: a folder is in the way.")


def write_file(path: str | Path, content: bytes) -> None:
    """Write a file; an older one of that name stays until the new one is complete.

    Raises
    ------
    MtorsimError
        When writing fails, for example on a full disk.
    """
    path = Path(path)
    draft = path.with_name(_draft_name())
    with _failing(path):
        try:
            _write(draft, content)
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)


def write_files(files: Mapping[Path, bytes]) -> None:
    """Write several files; none is put in its place before all are complete.

    Of two processes that do so at once, the files of one stay, not some of each.

    Raises
    ------
    MtorsimError
        When writing fails, for example on a full disk.
    """
    drafts = {path: path.with_name(_draft_name()) for path in files}
    try:
        for path, content in files.items():
            with _failing(path):
                _write(drafts[path], content)
        with _alone({path.parent for path in files}):
            for path, draft in drafts.items():
                with _failing(path):
                    draft.replace(path)
    finally:
        for draft in drafts.values():
            draft.unlink(missing_ok=True)


def write_table(path: str | Path, pieces: Iterable["pd.DataFrame"]) -> None:
    """Write a table as `csv` does, piece by piece; an older one stays until it is complete.

    Raises
    ------
    MtorsimError
        When writing fails, for example on a full disk.
    """
    path = Path(path)
    draft = path.with_name(_draft_name())
    with _failing(path):
        try:
            with draft.open("wb") as file:
                for place, piece in enumerate(pieces):
                    file.write(csv(piece, is_begun=place > 0))
                _settle(file)
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)


def write_folder(
    folder: str | Path,
    files: Mapping[str, bytes],
    outdated: Callable[[], Iterable[Path]] = tuple,
) -> None:
    """Write several files into a folder, made if it is not there.

    All are written beside their place first, so that a failure leaves what was there before. Of
    two processes that write into a folder at once, the files of one stay, not some of each.

    Parameters
    ----------
    folder : str or Path
    files : mapping of str to bytes
        In the order in which they get their names.
    outdated : callable
        Returns files of an earlier time that are to go; called when nobody else writes here.

    Raises
    ------
    MtorsimError
        When writing fails, for example on a full disk.
    """
    folder = Path(folder)
    with _failing(folder), _made(folder.parent):
        draft = (folder if folder.is_dir() else folder.parent) / _draft_name()
        try:
            draft.mkdir()
            for name, content in files.items():
                _write(draft / name, content)
            if not _became(draft, folder):
                with _alone({folder}):
                    stale = list(outdated())
                    for name in files:
                        (draft / name).replace(folder / name)
                    for path in stale:
                        path.unlink(missing_ok=True)
        finally:
            shutil.rmtree(draft, ignore_errors=True)


def holds(folder: str | Path, files: Mapping[str, bytes]) -> bool:
    """Return whether a folder holds these very files already."""
    try:
        return all((Path(folder) / name).read_bytes() == one for name, one in files.items())
    except OSError:
        return False


@contextmanager
def _made(folder: Path) -> Iterator[None]:
    """Make a folder and those around it; what was made goes again when the work fails."""
    new = [one for one in (folder, *folder.parents) if not one.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        with suppress(OSError):  # somebody has put something there
            for one in new:
                one.rmdir()
        raise


def _became(draft: Path, folder: Path) -> bool:
    """Give a folder its name, if nobody has made one of that name."""
    if folder.is_dir():
        return False
    try:
        draft.rename(folder)
    except OSError:
        if folder.is_dir():  # meanwhile
            return False
        raise
    return True


@contextmanager
def _alone(folders: Iterable[Path]) -> Iterator[None]:
    """Hold folders while files get their names there; it takes no time, so others wait."""
    with ExitStack() as held:
        for folder in sorted(folders):
            with suppress(ImportError, OSError):  # some systems and network drives have no locks
                import fcntl

                file = os.open(folder, os.O_RDONLY)
                held.callback(os.close, file)
                fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        _settle(file)


def _settle(file: IO[bytes]) -> None:
    """See that a file is on the disk before it gets its name: some disks fill up only then."""
    file.flush()
    os.fsync(file.fileno())


def _draft_name() -> str:
    return f".mtorsim-{secrets.token_hex(6)}"


def _is_there(path: Path) -> bool:
    # `Path.exists` says no, from Python 3.13 on, also where it was not allowed to look.
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def _try_folder(folder: Path) -> None:
    # Permission bits do not tell: the superuser, read-only disks and quotas all say otherwise.
    probe = folder / _draft_name()
    try:
        probe.touch(exist_ok=False)
    finally:
        with suppress(OSError):
            probe.unlink()


@contextmanager
def _refusing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(f"cannot write to {str(path)!r}: {_reason(error)}.") from None


@contextmanager
def _failing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise MtorsimError(f"could not write to {str(path)!r}: {_reason(error)}.") from None


def _reason(error: OSError) -> str:
    return error.strerror or (os.strerror(error.errno) if error.errno else str(error))


def csv(table: "pd.DataFrame", *, is_begun: bool = False) -> bytes:
    """Return a table as CSV in UTF-8; what is not defined is an empty field.

    One that is begun already goes on without the names of its columns. Text that a spreadsheet
    would run as a formula gets an apostrophe in front.
    """
    table = table.rename(columns=_as_text).apply(
        lambda column: column if column.dtype.kind in "fiub" else column.map(_as_text)
    )
    # Ten digits: the solver's relative tolerance is 1e-8.
    text: str = table.to_csv(
        index=False, header=not is_begun, lineterminator="\n", float_format="%.10g"
    )
    return text.encode("utf-8")


def _as_text(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and _FORMULA.match(cell) else cell


def png(figure: "Figure") -> bytes:
    """Return a figure as PNG for print."""
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=300)
    return buffer.getvalue()


def origin(provenance: Mapping[str, Any], files: Mapping[str, bytes]) -> bytes:
    """Return where files come from, with the SHA-256 of each, as JSON."""
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    content = {**provenance, "files": hashes}
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    return (text + "\n").encode("utf-8")
