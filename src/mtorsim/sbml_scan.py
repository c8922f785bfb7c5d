"""SBML, watched as it goes through a parser that keeps nothing.

libSBML reads ``<cn>1,5</cn>`` as 1 and ``<cn base="16">10</cn>`` as 10 without a word, and a sum of
thousands as a tree that is thousands deep.
"""

import re
from collections.abc import Mapping
from xml.parsers import expat

from mtorsim.antimony_text import DEEPEST
from mtorsim.errors import ModelError, shown

MOST_OPERANDS = 500
"""Most parts of one sum, product or piecewise; 500 reactions may end in one species."""

LONGEST_ID = 500
"""Most characters of an id; RoadRunner takes 100,000 for an instruction."""

SEPARATOR = " "
"""What stands between namespace and name, in the words of the parser."""

_MOST_ATTRIBUTES = 100
_MOST_ELEMENTS = 5_000_000
_IDS = ("id", "metaid", "species", "compartment", "variable", "symbol", "units", "name")
_NUMBERS = ("value", "size", "volume", "initialAmount", "initialConcentration", "stoichiometry",
            "multiplier")  # fmt: skip
_REAL = r"[+-]?(?:\d+\.?\d*|\.\d+)"
_WHOLE = r"[+-]?\d+"
_ATTRIBUTE = re.compile(rf"\s*(?:{_REAL}(?:[eE]{_WHOLE})?|[+-]?(?:INF|inf)|NaN|nan)?\s*", re.ASCII)
# Where each byte, or pair of bytes, is a letter. Others have escapes of their own, such as \x3c for
# <, which the scan would take for letters and the next reader for what they stand for.
_ENCODING = re.compile(
    r"utf-?(?:8|16)|(?:us-)?ascii|(?:iso[-_]?8859[-_]?|latin[-_]?|windows-?|cp|koi8-?|mac)\w*", re.I
)
_OPEN = frozenset({"http://www.w3.org/1998/Math/MathML", "http://www.w3.org/1999/xhtml"})
_PICTURES = re.compile(r"http://(?:www\.sbml\.org|projects\.eml\.org)/.*/(?:layout|render)\b.*")
_SEP = "\0"  # stands for <sep/>
_KINDS: Mapping[str, re.Pattern[str]] = {
    "real": re.compile(rf"{_REAL}(?:[eE]{_WHOLE})?", re.ASCII),
    "integer": re.compile(_WHOLE, re.ASCII),
    "e-notation": re.compile(rf"{_REAL}{_SEP}{_WHOLE}", re.ASCII),
    "rational": re.compile(rf"{_WHOLE}{_SEP}[+-]?0*[1-9]\d*", re.ASCII),
}


class Scan:
    """Watches a parser go through a document.

    Parameters
    ----------
    parser : expat parser
        New, and one that knows namespaces.
    what : str
        Names the document in messages.

    Attributes
    ----------
    root, encoding : str
        Name of the outermost element without its namespace, and what the document says that its
        characters are.
    """

    def __init__(self, parser: expat.XMLParserType, what: str) -> None:
        self.root, self.encoding = "", "utf-8"
        self._known: frozenset[str] | None = None  # namespaces of SBML that are read; else any
        self._parser, self._what = parser, what
        self._children = [0]  # of each element that is open
        self._elements = 0
        self._beside = 0  # depth inside notes or an annotation, which may hold anything
        self._number: list[str] | None = None
        parser.buffer_text = True
        parser.XmlDeclHandler = self._declared
        parser.StartDoctypeDeclHandler = self._doctype
        parser.EntityDeclHandler = self._entity
        parser.StartElementHandler = self._begin
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text

    def _refusal(self, message: str) -> ModelError:
        return ModelError(f"{self._what}, line {self._parser.CurrentLineNumber}: {message}")

    def _declared(self, _version: str, encoding: str | None, _standalone: int) -> None:
        self.encoding = encoding or "utf-8"
        if not _ENCODING.fullmatch(self.encoding):
            raise self._refusal(f"the encoding {shown(self.encoding)}. Save it as UTF-8.")

    def _doctype(self, *_parts: object) -> None:
        raise self._refusal(
            "a document type (<!DOCTYPE>) could make a program read other files. SBML needs none: "
            "delete it."
        )

    def _entity(self, *_parts: object) -> None:
        raise self._refusal("entities are not allowed in SBML. Delete them.")

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        space, _, name = name.rpartition(SEPARATOR)
        if not self.root:
            self._begin_document(space, name, attributes)
        self._count()
        if self._beside or name in ("notes", "annotation"):
            self._beside += 1
            return
        self._check_space(space, name)
        self._look_at(attributes)
        if name == "cn":
            if self._number is not None:
                raise self._refusal("a number inside a number.")
            self._begin_number(attributes)
        elif self._number is not None:
            self._number.append(_SEP)

    def _begin_document(self, space: str, name: str, attributes: Mapping[str, str]) -> None:
        self.root = name
        if name == "sbml":
            # A package says at the top whether it is required, and is not read without.
            packages = [key.partition(SEPARATOR) for key in attributes]
            declared = {uri for uri, _, last in packages if last == "required"}
            self._known = _OPEN | declared | {space}

    def _check_space(self, space: str, name: str) -> None:
        if self._known is None or space in self._known or _PICTURES.fullmatch(space):
            return
        raise self._refusal(
            f"<{name}> of {shown(space)} would be passed over: <sbml> does not declare that as a "
            "package ('required'). Declare it there, delete it, or move it into an annotation."
        )

    def _count(self) -> None:
        self._elements += 1
        self._children[-1] += 1
        self._children.append(0)
        if len(self._children) > DEEPEST + 1:
            raise self._refusal(f"elements more than {DEEPEST} deep. Write the formula in parts.")
        if self._elements > _MOST_ELEMENTS:
            raise self._refusal(f"more than {_MOST_ELEMENTS} elements, too many for a model.")

    def _look_at(self, attributes: Mapping[str, str]) -> None:
        if len(attributes) > _MOST_ATTRIBUTES:
            raise self._refusal(f"an element with {len(attributes)} attributes.")
        for key in _IDS:
            if len(attributes.get(key, "")) > LONGEST_ID:
                raise self._refusal(f"{key} {shown(attributes[key])} is too long.")
        for key in _NUMBERS:
            if not _ATTRIBUTE.fullmatch(attributes.get(key, "")):
                raise self._refusal(f"{key}={shown(attributes[key])} is no number.")

    def _begin_number(self, attributes: Mapping[str, str]) -> None:
        self._number, self._kind = [], attributes.get("type", "real")
        if attributes.get("base", "10") != "10":
            raise self._refusal("a number that does not count by ten. Write it as a decimal.")

    def _text(self, text: str) -> None:
        if self._number is not None:
            self._number.append(text)

    def _end(self, name: str) -> None:
        children = self._children.pop()
        if self._beside:
            self._beside -= 1
            return
        kind = name.rpartition(SEPARATOR)[2]
        if kind in ("apply", "piecewise") and children > MOST_OPERANDS + 1:
            raise self._refusal(
                f"a formula of {children} parts. Write it as several of at most {MOST_OPERANDS}."
            )
        if kind == "cn":
            self._end_number()

    def _end_number(self) -> None:
        assert self._number is not None
        given = re.sub(rf"\s*{_SEP}\s*", _SEP, "".join(self._number).strip())
        self._number = None
        pattern = _KINDS.get(self._kind)  # what kinds there are is libSBML's to say
        if pattern is not None and not pattern.fullmatch(given):
            said = shown(given.replace(_SEP, " <sep/> "))
            raise self._refusal(f"<cn>{said}</cn> is no number, of type {self._kind}.")
        if self._kind in ("real", "e-notation"):
            self._check_size(given.replace(_SEP, "e"))

    def _check_size(self, given: str) -> None:
        """Refuse what libSBML would read as zero; of what is too large it complains itself."""
        mantissa = re.split("[eE]", given)[0]
        if float(given) == 0 and mantissa.strip("+-0."):
            raise self._refusal(f"<cn>{shown(given)}</cn> is smaller than a number can be.")
