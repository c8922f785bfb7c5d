"""The error family: what was given, what was expected, the nearest right thing, where to look.

Everything that mtorsim raises on purpose is a `MtorsimError`. `exit_status` is what the command
line leaves behind: 1 for a run that failed, 2 for bad input.
"""

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self

_SHOWN = 60  # characters of a user's value that a message repeats
_LONGEST = 200  # characters of a name that are compared
_NEAR, _WORSE = 0.6, 0.1  # how alike a suggestion must be, and how much worse than the best
_LISTED = 12  # known ids that a message still lists in full


class MtorsimError(Exception):
    """Anything that mtorsim raises on purpose."""

    exit_status = 1

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        # The default calls the class with `args`, which fails for keyword-only constructors:
        # errors must travel between the processes of a sweep.
        return _rebuild, (type(self), self.args, dict(self.__dict__))

    def at(self, where: str) -> Self:
        """Return the same error with `where` (a file and a line, say) put in front."""
        located = _rebuild(type(self), (f"{where}: {self}",), dict(self.__dict__))
        assert isinstance(located, type(self))
        return located


class InputError(MtorsimError, ValueError):
    """Something given by the user cannot be used.

    Attributes
    ----------
    path : tuple of str or int
        Keys that lead to the offending value, such as ``("drugs", 0, "dose")``; filled on the
        way up by `within`.
    """

    exit_status = 2
    path: tuple[str | int, ...] = ()


class UnknownIdError(InputError):
    """A name that nobody knows; says which known ones come closest.

    Parameters
    ----------
    kind : str
        What was looked for, such as ``"cell"``.
    given : object
        The name as given.
    choices : iterable of str
        The names that exist.
    where : str, optional
        Place of the mistake, such as ``"scenario.yaml, line 1"``.
    listing : str, optional
        Command that lists the choices, such as ``"mtorsim show cells"``.
    synonyms : mapping of str to str, optional
        Other names and the choice that each stands for; used for the suggestion only.
    """

    def __init__(
        self,
        *,
        kind: str,
        given: object,
        choices: Iterable[str],
        where: str | None = None,
        listing: str | None = None,
        synonyms: Mapping[str, str] | None = None,
    ) -> None:
        self.kind, self.given, self.choices = kind, given, tuple(choices)
        self.closest = closest(given, self.choices, synonyms)
        prefix = f"{where}: " if where else ""
        parts = [f"{prefix}no {kind} {shown(given)}.", self._hint()]
        if listing:
            parts.append(f"List: {listing}")
        super().__init__(" ".join(part for part in parts if part))

    def _hint(self) -> str:
        if self.closest:
            return f"Closest: {either(self.closest)}."
        if 0 < len(self.choices) <= _LISTED:
            return f"Known: {', '.join(self.choices)}."
        return ""


class UnitError(InputError):
    """A quantity without a unit, with a wrong one, or not finite."""


class RegimenError(InputError):
    """A schedule that cannot be carried out."""


class ScenarioError(InputError):
    """A scenario, or the file that holds it, is not well formed."""


class ModelError(InputError):
    """A model file or one of the data files beside it is not sound."""


class SimulationError(MtorsimError, RuntimeError):
    """The solver failed; says when, where and what to try."""


def _rebuild(
    kind: type[MtorsimError], args: tuple[Any, ...], state: dict[str, Any]
) -> MtorsimError:
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(state)
    return error


class within:  # noqa: N801 - reads like a word, costs a third of a generator
    """Put `keys` in front of the path of any `InputError` raised inside the block."""

    __slots__ = ("_keys",)

    def __init__(self, *keys: str | int) -> None:
        self._keys = keys

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        if isinstance(error, InputError):
            error.path = (*self._keys, *error.path)


@contextmanager
def about(subject: str) -> Iterator[None]:
    """Put `subject` in front of the message of any `InputError` raised inside the block."""
    try:
        yield
    except InputError as error:
        raise error.at(subject) from None


def shown(value: object) -> str:
    """Return `value` as a message repeats it: on one line, quoted if text, not too long."""
    try:
        text = repr(value)
    except ValueError:  # an integer of thousands of digits
        text = f"a {type(value).__name__} too long to print"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def either(names: Iterable[str]) -> str:
    """Return ``'a', 'b' or 'c'``."""
    *head, last = (repr(name) for name in names)
    return f"{', '.join(head)} or {last}" if head else last


def closest(
    given: object, choices: Iterable[str], synonyms: Mapping[str, str] | None = None
) -> tuple[str, ...]:
    """Return up to three of `choices` that `given` may have meant, the likeliest first.

    Case and punctuation do not count: ``786o`` is as good as ``786-O``.
    """
    if not isinstance(given, str | int):
        return ()
    names = {name: name for name in choices} | dict(synonyms or {})
    plain: dict[str, list[str]] = {}
    for written, name in names.items():
        plain.setdefault(_plain(written), []).append(name)
    hits = _alike(_plain(str(given)[:_LONGEST]), plain)
    return tuple(dict.fromkeys(name for hit in hits for name in plain[hit]))[:3]


def _alike(wanted: str, plain: Iterable[str]) -> list[str]:
    """Return the spellings that come near `wanted`, best first, none much worse than the best."""
    if wanted in (plain := tuple(plain)):
        return [wanted]
    score = difflib.SequenceMatcher(b=wanted)  # it caches what it knows of b
    scores: dict[str, float] = {}
    for name in plain:
        score.set_seq1(name)
        scores[name] = score.ratio()
    floor = max([_NEAR, *(best - _WORSE for best in scores.values())])
    near = sorted((name for name in plain if scores[name] >= floor), key=lambda n: -scores[n])
    begun = [name for name in plain if len(wanted) > 2 and name.startswith(wanted)]
    # What was left off at the end is likelier than what was mistyped in the middle.
    return sorted(begun, key=len) + near


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).casefold()
