"""YAML files read strictly, each value with the line it stands on.

Beyond the safe loader: duplicate keys, keys that are not text, aliases, deep nesting and very long
files are refused, and nothing is built but mappings, lists and scalars.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from mtorsim.errors import InputError, MtorsimError, closest, either, shown

Keys: TypeAlias = tuple[str | int, ...]

_MOST_BYTES = 1_000_000
_DEEPEST = 20
# YAML takes 010 for eight, 1:30 for ninety and 1_0 for ten.
_DECIMAL = re.compile(
    r"[-+]?(?:(?:0|[1-9]\d*)|(?:\d+\.\d*|\.\d+)(?:[eE][-+]?\d+)?|\d+[eE][-+]?\d+|\.(?:inf|Inf|INF))"
    r"|\.(?:nan|NaN|NAN)",
    re.ASCII,
)


@dataclass(frozen=True)
class Entry:
    """One value of a document: what it is and where it stands.

    Attributes
    ----------
    document : Document
        The file that it is part of.
    keys : tuple of str or int
        Keys and positions that lead to it.
    content : object
        Mapping, list, text, number, truth value or None.
    """

    document: "Document"
    keys: Keys
    content: Any

    @property
    def where(self) -> str:
        """File and line, as messages begin with them."""
        return self.document.where(self.keys)

    def error(self, message: str) -> InputError:
        """Return an error about this entry, to be raised."""
        name = f"{dotted(self.keys)}: " if self.keys else ""
        return self.document.kind(f"{self.where}: {name}{message}")

    def fields(
        self, required: Iterable[str] = (), optional: Iterable[str] = ()
    ) -> dict[str, "Entry"]:
        """Return the entries of a mapping with these keys and no others.

        Raises
        ------
        InputError
            For a key that is unknown (names the closest) or missing, or no mapping at all.
        """
        required = tuple(required)
        known = (*required, *optional)
        entries = self.entries(f"a mapping with {either(required or known)}")
        for key, entry in entries.items():
            if key not in known:
                raise self.document.kind(f"{entry.where}: {unknown_key(key, known)}")
        for key in required:
            if key not in entries:
                raise self.error(f"{key!r} is missing.")
        return entries

    def entries(self, expected: str = "a mapping") -> dict[str, "Entry"]:
        """Return the entries of a mapping with any keys."""
        if not isinstance(self.content, dict):
            raise self.error(f"expected {expected}, got {kind_of(self.content)}.")
        return {key: self._child(key, value) for key, value in self.content.items()}

    def items(self) -> tuple["Entry", ...]:
        """Return the entries of a list."""
        if not isinstance(self.content, list):
            raise self.error(f"expected a list, got {kind_of(self.content)}.")
        return tuple(self._child(k, value) for k, value in enumerate(self.content))

    def text(self) -> str:
        """Return text that is not blank."""
        if not isinstance(self.content, str):
            raise self.error(f"expected text, got {kind_of(self.content)}.")
        if not self.content.strip():
            raise self.error("expected text, got a blank.")
        return " ".join(self.content.split())

    def texts(self) -> tuple[str, ...]:
        """Return the texts of a list."""
        return tuple(entry.text() for entry in self.items())

    def choice(self, choices: Iterable[str]) -> str:
        """Return text that is one of `choices`."""
        choices = tuple(choices)
        if self.content not in choices:
            near = closest(self.content, choices)
            hint = f" Closest: {either(near)}." if near else ""
            raise self.error(f"{shown(self.content)} is not {either(choices)}.{hint}")
        return str(self.content)

    def _child(self, key: str | int, value: object) -> "Entry":
        return Entry(self.document, (*self.keys, key), value)


@dataclass(frozen=True)
class Document:
    """A YAML file.

    Attributes
    ----------
    name : str
        How messages call it: its path as given.
    content : object
        What it holds.
    lines : mapping of tuple to int
        Keys and positions that lead to a value -> line of its key, from 1.
    kind : type of InputError
        What its mistakes are raised as.
    """

    name: str
    content: Any
    lines: Mapping[Keys, int]
    kind: type[InputError]

    @property
    def root(self) -> Entry:
        """The whole content."""
        return Entry(self, (), self.content)

    def line(self, keys: Keys) -> int | None:
        """Return the line of a value, from 1; None for the whole document.

        Keys that are not in the file count as far as they are.
        """
        while keys and keys not in self.lines:
            keys = keys[:-1]
        return self.lines[keys] if keys else None

    def where(self, keys: Keys = ()) -> str:
        """Return ``"scenario.yaml, line 3"`` for the value that `keys` lead to."""
        line = self.line(keys)
        return f"{self.name}, line {line}" if line else self.name


def read(path: str | Path, kind: type[InputError]) -> Document:
    """Read a YAML file.

    Parameters
    ----------
    path : str or Path
        The file, UTF-8, up to 1 MB.
    kind : type of InputError
        What its mistakes are raised as.

    Raises
    ------
    InputError
        Of the given kind: no such file, not readable, not YAML, empty, a duplicate key.
    """
    name = str(path)
    return parse(_text(Path(path), kind), name, kind)


def parse(text: str, name: str, kind: type[InputError]) -> Document:
    """Read YAML from text; `name` stands for the file in messages."""
    import yaml

    try:
        _check_events(text, name, kind)
        node = yaml.compose(text, Loader=_loader())
        if node is None:
            raise kind(f"{name}: the file is empty. Expected 'key: value' lines.")
        lines: dict[Keys, int] = {}
        content = _Builder(name, kind, lines).value(node, ())
    except yaml.MarkedYAMLError as error:
        raise kind(f"{_at(name, error.problem_mark)}: not valid YAML: {error.problem}.") from None
    except yaml.YAMLError as error:  # characters that YAML does not allow
        reason = getattr(error, "reason", None) or "unreadable"
        raise kind(f"{name}: not valid YAML: {reason}.") from None
    return Document(name, content, lines, kind)


def unknown_key(key: str, known: Iterable[str]) -> str:
    """Return what to say about a key that is not one of `known`."""
    known = tuple(known)
    near = closest(key, known)
    hint = f"Closest: {either(near)}." if near else f"Known: {', '.join(known)}."
    return f"unknown key {shown(key)}. {hint}"


def kind_of(value: object) -> str:
    """Return what a YAML value is, in words: ``the number 20``, ``a list``."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        # YAML 1.1 reads yes, no, on and off so, which surprises where text is due.
        return f"the truth value {str(value).lower()} (quote it if it is text)"
    if isinstance(value, int | float):
        return f"the number {shown(value)}"
    if isinstance(value, str):
        return f"the text {shown(value)}"
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    return f"a {type(value).__name__}"  # a date, or bytes


def dotted(keys: Iterable[str | int]) -> str:
    """Return ``"drugs[0].dose"`` for the keys ``("drugs", 0, "dose")``."""
    parts = (f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys)
    return "".join(parts).removeprefix(".")


def _text(path: Path, kind: type[InputError]) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except FileNotFoundError:
        raise kind(f"no file {str(path)!r}.{_neighbour(path)}") from None
    except IsADirectoryError:
        raise kind(f"{path} is a folder. Expected a YAML file.") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL character in the name
        reason = getattr(error, "strerror", None) or error
        raise kind(f"cannot read {str(path)!r}: {reason}.") from None
    if len(data) > _MOST_BYTES:
        raise kind(f"{path} is longer than 1 MB. Expected a short YAML file.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise kind(f"{path}, line {line}: not UTF-8 text.") from None


def _neighbour(path: Path) -> str:
    """Suggest a YAML file of the same folder."""
    try:
        names = [file.name for file in path.parent.iterdir() if file.suffix in {".yaml", ".yml"}]
    except OSError:
        return f" There is no folder {str(path.parent)!r} either."
    near = closest(path.name, names)
    return f" Closest: {either(str(path.parent / name) for name in near)}." if near else ""


def _loader() -> Any:
    import yaml

    # libyaml reads ten times faster, where PyYAML was built with it.
    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _at(name: str, mark: Any) -> str:
    return f"{name}, line {mark.line + 1}, column {mark.column + 1}" if mark else name


def _check_events(text: str, name: str, kind: type[InputError]) -> None:
    """Refuse what would make the tree huge before any tree is built."""
    import yaml

    depth = 0
    for event in yaml.parse(text, Loader=_loader()):
        if isinstance(event, yaml.AliasEvent):
            raise kind(f"{_at(name, event.start_mark)}: aliases (*{event.anchor}) are not allowed.")
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            where = _at(name, event.start_mark)
            raise kind(f"{where}: nested more than {_DEEPEST} levels deep.")


class _Builder:
    """Turns YAML nodes into plain values and notes the line of each."""

    def __init__(self, name: str, kind: type[InputError], lines: dict[Keys, int]) -> None:
        import yaml

        self._name, self._kind, self._lines = name, kind, lines
        self._scalar: Callable[[Any], Any] = yaml.constructor.SafeConstructor().construct_object
        self._mapping, self._list = yaml.MappingNode, yaml.SequenceNode

    def value(self, node: Any, keys: Keys) -> Any:
        self._lines.setdefault(keys, node.start_mark.line + 1)
        if isinstance(node, self._mapping):
            return dict(self._pairs(node, keys))
        if isinstance(node, self._list):
            return [self.value(item, (*keys, k)) for k, item in enumerate(node.value)]
        return self._plain(node)

    def _pairs(self, node: Any, keys: Keys) -> Iterator[tuple[str, Any]]:
        seen: dict[str, int] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node)
            line = key_node.start_mark.line + 1
            if key in seen:
                raise self._kind(
                    f"{self._name}, line {line}: key {shown(key)} stands on line {seen[key]} "
                    "already. Keep one of the two."
                )
            seen[key] = self._lines[(*keys, key)] = line
            yield key, self.value(value_node, (*keys, key))

    def _key(self, node: Any) -> str:
        collection = isinstance(node, self._mapping | self._list)
        key = None if collection else self._plain(node)
        if not isinstance(key, str):
            what = "a list or mapping" if collection else kind_of(key)
            raise self._kind(f"{_at(self._name, node.start_mark)}: a key must be text, got {what}.")
        return key

    def _plain(self, node: Any) -> Any:
        try:
            found = self._scalar(node)
        except MtorsimError:
            raise
        except ValueError:  # a date such as 2024-13-45, or an integer of thousands of digits
            where = _at(self._name, node.start_mark)
            raise self._kind(f"{where}: {shown(node.value)} cannot be read.") from None
        is_number = isinstance(found, int | float) and not isinstance(found, bool)
        if is_number and not _DECIMAL.fullmatch(node.value):
            where = _at(self._name, node.start_mark)
            raise self._kind(
                f"{where}: {shown(node.value)} would be read as {shown(found)}. Write that, or "
                "quote it if it is text."
            )
        return found
