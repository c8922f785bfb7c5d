"""COMBINE archives from anybody: read in memory, never unpacked, with limits."""

import lzma
import posixpath
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mtorsim.apart import Arrays, Found, LostError, apart
from mtorsim.errors import InputError, shown
from mtorsim.foreign.model import limits
from mtorsim.prescan import xml_text

MOST_FILES = 1000
LARGEST = 100_000_000  # bytes of one file, unpacked
LARGEST_TOGETHER = 500_000_000
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_MANIFEST = "manifest.xml"
_SEDML = re.compile(r"combine\.specifications[/:]sed-?ml\b")
_DAMAGED = (
    *(zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, RuntimeError),
    *(zlib.error, lzma.LZMAError, EOFError, UnicodeError, struct.error),
)


@dataclass(frozen=True)
class Archive:
    """The files of a COMBINE archive.

    Attributes
    ----------
    name : str
        Of the archive, for messages.
    files : mapping of str to bytes
        Path inside the archive -> content.
    experiments : tuple of str
        Paths of the SED-ML files to carry out: the master, or all where none is.
    """

    name: str
    files: Mapping[str, bytes]
    experiments: tuple[str, ...]

    def text(self, path: str, root: str, kind: str) -> str:
        """Return an XML file as text.

        Parameters
        ----------
        path : str
        root, kind : str
            As of `prescan.xml_text`.

        Raises
        ------
        InputError
            For what is not there, or what `prescan.xml_text` refuses.
        """
        if path not in self.files:
            raise InputError(f"{self.name}: no file {shown(path)} in the archive.")
        return xml_text(self.files[path], f"{self.name}, {path}", root, kind)


def read(path: str | Path) -> Archive:
    """Return the content of a COMBINE archive.

    Raises
    ------
    InputError
        For what is no such archive; a member whose path leads out of it, that is a link, that is
        there twice, or that is too large; an archive without SED-ML.
    """
    name = Path(path).name
    try:
        with zipfile.ZipFile(path) as container:
            files = _files(container, name)
    except OSError as error:
        raise InputError(f"cannot read {str(path)!r}: {error.strerror or error}.") from None
    except _DAMAGED as error:
        raise InputError(f"{name}: not a COMBINE archive: {error}.") from None
    if _MANIFEST not in files:
        raise InputError(f"{name}: not a COMBINE archive: there is no {_MANIFEST} in it.")
    bare = Archive(name, files, ())
    return Archive(name, files, _experiments(bare))


def _files(container: zipfile.ZipFile, name: str) -> dict[str, bytes]:
    members = [one for one in container.infolist() if not one.is_dir()]
    if len(members) > MOST_FILES:
        raise InputError(f"{name}: {len(members)} files; at most {MOST_FILES} are read.")
    files: dict[str, bytes] = {}
    left = LARGEST_TOGETHER
    for member in members:
        place = _place(member, name)
        if place in files:
            raise InputError(f"{name}: {shown(place)} is there twice.")
        files[place] = _content(container, member, LARGEST, name)
        if len(files[place]) > left:
            raise InputError(
                f"{name}: more than {LARGEST_TOGETHER / 1e6:.0f} MB unpacked, with "
                f"{shown(member.filename)}."
            )
        left -= len(files[place])
    return files


def _place(member: zipfile.ZipInfo, name: str) -> str:
    """Return where a member lies; refuse what leads elsewhere."""
    given = member.filename
    if stat.S_ISLNK(member.external_attr >> 16):
        raise InputError(f"{name}: {shown(given)} is a link; that is refused.")
    parts = given.split("/")
    if given.startswith("/") or "\\" in given or ":" in given or ".." in parts:
        raise InputError(f"{name}: {shown(given)} leads out of the archive; that is refused.")
    if not given.isprintable():
        raise InputError(f"{name}: {shown(given)} is no name of a file; that is refused.")
    return posixpath.normpath(given)


def _content(container: zipfile.ZipFile, member: zipfile.ZipInfo, most: int, name: str) -> bytes:
    if member.compress_type not in _METHODS:  # LZMA reserves gigabytes where it is told to
        raise InputError(
            f"{name}: {shown(member.filename)} is compressed in a way that COMBINE archives do not "
            "use. Expected Deflate, as zip does."
        )
    # What a member says of its size may be a lie: no more is unpacked than is allowed.
    with container.open(member) as stream:
        content = stream.read(most + 1)
    if len(content) > most:
        raise InputError(
            f"{name}: {shown(member.filename)} is larger than {most / 1e6:.0f} MB unpacked."
        )
    return content


def _experiments(archive: Archive) -> tuple[str, ...]:
    text = archive.text(_MANIFEST, "omexManifest", "a manifest")
    found = survived("mtorsim.archive.container:listed_apart", {"text": text}, archive.name)
    masters = [place for place, is_master in found if is_master]
    chosen = masters or [place for place, _ in found]
    if not chosen:
        raise InputError(f"{archive.name}: the manifest lists no SED-ML file.")
    return tuple(dict.fromkeys(chosen))


def survived(task: str, page: Mapping[str, Any], where: str) -> Any:
    """Return what a library makes of the text of a page, in a process of its own; see `apart`.

    Raises
    ------
    InputError
        When the library does not survive it; `where` names the text.
    """
    try:
        return apart(task, page, {}, limits(len(page["text"])))[0]
    except LostError as lost:
        raise InputError(f"{where}: reading it {lost}.") from None


def listed_apart(page: Mapping[str, Any], _arrays: Arrays) -> Found:
    """Return path and mastery of each SED-ML file of a manifest."""
    import libcombine

    from mtorsim.library import keep_libsbml

    manifest = libcombine.readOMEXFromString(page["text"])
    keep_libsbml()
    return [
        [posixpath.normpath(one.getLocation()), bool(one.isSetMaster() and one.getMaster())]
        for one in manifest.getListOfContents()
        if _SEDML.search(one.getFormat())
    ], {}
