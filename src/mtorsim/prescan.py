"""The door for other people's model files: read as bytes, looked over before any parser has them.

A parser of XML can be made to read other files, to fill the memory with entities, or to run out of
stack; so a document type, an entity, a depth or a length beyond all need is refused here, by a scan
that keeps nothing. What comes out is text: never a path or a web address, which a simulator would
follow.
"""

import codecs
import re
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from mtorsim import antimony_text
from mtorsim.antimony_text import Imported
from mtorsim.errors import ModelError, closest, either
from mtorsim.sbml_scan import SEPARATOR, Scan

LONGEST = 64_000_000
"""Most bytes of an SBML file; the largest in public collections are a fifth of it."""

_LONGEST_ANTIMONY = 8_000_000
_ENDINGS = (".xml", ".sbml", ".ant", ".txt")
_COMPRESSED = {b"PK": "a ZIP or OMEX archive", b"\x1f\x8b": "compressed with gzip"}
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_LONE_RETURN = re.compile(r"\r(?!\n)")
_UTF8 = '<?xml version="1.0" encoding="UTF-8"?>'


@dataclass(frozen=True)
class ModelText:
    """The text of a model and where it came from.

    Attributes
    ----------
    text : str
        SBML or Antimony.
    what : str
        How messages call it: its path as given, or ``"the model text"``.
    is_sbml : bool
    folder : Path, optional
        Where imports of an Antimony file are looked up; None for text.
    """

    text: str = field(repr=False)
    what: str
    is_sbml: bool
    folder: Path | None = None


def read_model(source: str | Path) -> ModelText:
    """Return the text of a model, scanned.

    Parameters
    ----------
    source : str or Path
        A path; or, as str, SBML that begins with ``<`` or Antimony of more than one line.

    Raises
    ------
    ModelError
        When the file cannot be read, or holds what no model needs.
    """
    if isinstance(source, str) and (source.lstrip().startswith("<") or "\n" in source):
        return scanned(source.encode("utf-8", "surrogatepass"), "the model text", None)
    if not isinstance(source, str | Path):
        raise ModelError(f"expected the path or the text of a model, got {type(source).__name__}.")
    if re.match(r"[a-z]+://", str(source)):
        raise ModelError(
            f"{str(source)!r} is an address. Download the file and give its path: nothing is "
            "fetched from the network."
        )
    path = Path(source)
    return scanned(_bytes(path), str(source), path.resolve().parent)


def scanned(content: bytes, what: str, folder: Path | None = None) -> ModelText:
    """Return the text in some bytes; `what` names them in messages."""
    for mark, kind in _COMPRESSED.items():
        if content.startswith(mark):
            raise ModelError(f"{what} is {kind}. Unpack it and give the SBML file in it.")
    content = content.removeprefix(codecs.BOM_UTF8)
    wide = (codecs.BOM_UTF16_LE + b"<\0", codecs.BOM_UTF16_BE + b"\0<")
    if content.lstrip()[:1] == b"<" or content[:4] in wide:
        return ModelText(scan_sbml(content, what), what, True, folder)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ModelError(
            f"{what}, line {line}: not UTF-8 text, and not XML. Expected SBML or Antimony."
        ) from None
    scan_antimony(text, what, folder)
    return ModelText(text, what, False, folder)


def scan_sbml(content: bytes, what: str) -> str:
    """Return SBML as text that says it is UTF-8; refuse what no model needs.

    Raises
    ------
    ModelError
        For a document type, an entity, more than `DEEPEST` levels or `LONGEST` bytes, an id or a
        formula beyond all need, a number that is none, or XML that is not well formed; names the
        line.
    """
    return xml_text(content, what, "sbml", "an SBML file")


def xml_text(content: bytes, what: str, root: str, kind: str) -> str:
    """Return an XML document as text that says it is UTF-8.

    Parameters
    ----------
    content : bytes
    what : str
        Names it in messages.
    root, kind : str
        The outermost element that is expected, and what such a file is.

    Raises
    ------
    ModelError
        As `scan_sbml`, and for another outermost element.
    """
    scan = scan_xml(content, what)
    if scan.root != root:
        raise ModelError(
            f"{what}: the outermost element is <{scan.root}>. Expected {kind}, <{root}>."
        )
    try:
        text = content.decode(scan.encoding)
    except (UnicodeError, LookupError):
        raise ModelError(f"{what}: its characters are not {scan.encoding}, as it says.") from None
    # The text is UTF-8 from here on, whatever the file was. Its lines stay where they are: without
    # a declaration libSBML would put one in front, on a line of its own.
    body, lines = text.removeprefix("\ufeff"), 0
    if (found := _DECLARATION.match(body)) is not None:
        body, lines = body[found.end() :], found[0].count("\n")
    return _UTF8 + "\n" * lines + body


def scan_xml(content: bytes, what: str) -> Scan:
    """Look over an XML document, such as SBML, SED-ML or a manifest; otherwise as `scan_sbml`.

    In SBML what stands in a namespace that `<sbml>` does not declare is refused, too.
    """
    if len(content) > LONGEST:
        raise ModelError(f"{what} is longer than {LONGEST // 1_000_000} MB, too long for a model.")
    parser = expat.ParserCreate(namespace_separator=SEPARATOR)
    scan = Scan(parser, what)
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        message = expat.errors.messages[error.code]
        raise ModelError(f"{what}, line {error.lineno}: not well-formed XML: {message}.") from None
    except (LookupError, ValueError) as error:
        if isinstance(error, ModelError):
            raise
        raise ModelError(f"{what}: not well-formed XML: {error}.") from None  # no such encoding
    return scan


def scan_antimony(text: str, what: str, folder: Path | None, _seen: frozenset[Path] = frozenset()
                  ) -> None:  # fmt: skip
    """Refuse Antimony that would be read wrongly, or would read what it should not.

    Raises
    ------
    ModelError
        For too long a text, line ends of old Macs, brackets too deep, a number that would be read
        as another one, a symbol with two values, or an import that is not an Antimony file below
        the folder above; with the line.
    """
    if len(text) > _LONGEST_ANTIMONY:
        raise ModelError(f"{what} is longer than {_LONGEST_ANTIMONY // 1_000_000} MB.")
    if "\x00" in text:
        raise ModelError(f"{what}: a NUL character is in it. Expected SBML or Antimony text.")
    if (found := _LONE_RETURN.search(text)) is not None:
        # Antimony begins a new line there and we do not, so that it would read what we pass over.
        line = text.count("\n", 0, found.start()) + 1
        raise ModelError(
            f"{what}, line {line}: a carriage return without a line feed. Save it with line ends "
            "of Unix or Windows."
        )
    antimony_text.check(text, what)
    for one in antimony_text.imports(text):
        _follow(one, f"{what}, line {one.line}", folder, _seen)


def _follow(one: Imported, where: str, folder: Path | None, seen: frozenset[Path]) -> None:
    """Look over what an Antimony file imports, as the file itself."""
    name = one.name
    if not one.is_said and not _is_there(Path(folder or ".", name)):
        return
    if folder is None:
        raise ModelError(f"{where}: imports {name!r}. Text has no folder: give the file instead.")
    path = (folder / name).resolve()
    if Path(name).is_absolute() or not path.is_relative_to(folder.parent):
        raise ModelError(f"{where}: imports {name!r} from elsewhere. Put it beside this file.")
    if path.suffix.lower() not in (".ant", ".txt"):
        raise ModelError(f"{where}: imports {name!r}. Expected an Antimony file, .ant or .txt.")
    if path not in seen:
        text = scanned_import(path, where)
        scan_antimony(text, str(path), path.parent, seen | {path})


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # too long for a name
        return False


def scanned_import(path: Path, where: str) -> str:
    """Return the text of an imported file."""
    try:
        return _bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ModelError(f"{where}: {str(path)!r} is not UTF-8 text.") from None
    except ModelError as error:
        raise error.at(where) from None


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(LONGEST + 1)
    except FileNotFoundError:
        raise ModelError(
            f"cannot read model file {str(path)!r}: no such file.{_near(path)}"
        ) from None
    except IsADirectoryError:
        raise ModelError(
            f"cannot read {str(path)!r}: it is a folder. Expected an SBML or Antimony file."
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ModelError(f"cannot read model file {str(path)!r}: {reason}.") from None


def _near(path: Path) -> str:
    try:
        names = [one.name for one in path.parent.iterdir() if one.suffix.lower() in _ENDINGS]
    except OSError:
        return f" There is no folder {str(path.parent)!r} either."
    near = closest(path.name, names)
    return f" Closest: {either(str(path.parent / name) for name in near)}." if near else ""
