"""``mtorsim pk``: regimens in a body, and what a pharmacologist reads off their curves."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mtorsim.cli import options, screen
from mtorsim.errors import InputError, RegimenError, shown

if TYPE_CHECKING:
    import pandas as pd

    from mtorsim.facts import Statement
    from mtorsim.pharmacology.comparison import Comparison
    from mtorsim.pharmacology.exposure import Exposure
    from mtorsim.regimen import Regimen

_BLANK = "–"


def pk(
    drug: Annotated[
        str, typer.Option(metavar="NAME", help="Drug; list: mtorsim show drugs.")
    ] = "temsirolimus",
    regimen: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TEXT",
            help="Masses and times, e.g. '25 mg IV over 30 min weekly x4', "
            "'20 mg/kg IP daily x5'. Repeatable. Default: the usual one of the drug.",
            show_default=False,
        ),
    ] = None,
    species: Annotated[str, typer.Option(metavar="human|mouse", help="Whose body.")] = "human",
    with_: Annotated[
        list[str] | None,
        typer.Option(
            "--with",
            metavar="NAME,NAME…",
            help="Each regimen once more with this modifier of the body, or these together, e.g. "
            "ketoconazole; list: mtorsim show perturbations. Repeatable.",
        ),
    ] = None,
    set_: options.Set = None,
    duration: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="How long to follow, e.g. 28d. Default: to the last sample after the last dose.",
            show_default=False,
        ),
    ] = None,
    samples: Annotated[
        str | None,
        typer.Option(
            metavar="TIME,TIME…",
            help="When after a dose blood is drawn, e.g. 30min,1h,24h. Default: as in trials.",
            show_default=False,
        ),
    ] = None,
    ensemble: Annotated[
        bool,
        typer.Option(
            "--ensemble",
            metavar="",
            help="With all accepted fits of the model: medians and 5-95 % ranges.",
            show_default=False,
        ),
    ] = False,
    out: Annotated[str, typer.Option("--out", "-o", metavar="DIR", help="Folder to write.")] = "pk",
    quiet: options.Quiet = False,
    json: options.Json = False,
    debug: options.Debug = False,  # noqa: ARG001
) -> None:
    """Exposure to regimens in a patient or a mouse: curves, Cmax, AUC, half-life, clearance."""
    if not out:
        raise InputError("--out: expected a folder, got nothing.")
    from mtorsim.export.exposure_folder import check_folder, files
    from mtorsim.pharmacology.comparison import Comparison
    from mtorsim.pharmacology.exposure import exposure

    usual = None if regimen else _usual(drug, species)
    plans = _plans([usual.text] if usual else regimen or [])
    companies = _companies(with_)
    number = len(plans) * len(companies)
    check_folder(out, number)
    about: dict[str, Any] = {
        "species": species,
        "set": options.pairs("--set", set_, "0.3"),
        "duration": duration,
        "samples": None if samples is None else _listed(samples),
    }
    for plan in plans:
        _check_plan(plan, drug, species)
    found = [
        exposure(drug, plan, modifiers=company, **about) for plan in plans for company in companies
    ]
    Comparison(tuple(found))  # finds two that are the same before the work
    if ensemble:
        found = _with_fits(found, quiet=quiet)
    done = Comparison(tuple(found))
    folder = done.save(out)
    if json:
        screen.say_json(_records(done))
    elif not quiet:
        _print(done, usual)
        screen.say(f"Wrote {', '.join(files(number))} to {str(folder)!r}.")


# --- options --------------------------------------------------------------------------------------


def _usual(drug: str, species: str) -> "Statement":
    from mtorsim import pharmacokinetics

    return pharmacokinetics.load(drug, species).subjects[species].usual


def _check_plan(plan: "Regimen", drug: str, species: str) -> None:
    """Refuse a regimen that cannot be given, whatever else is asked for."""
    from mtorsim import pharmacokinetics
    from mtorsim.regimen import UNTIL_THE_END

    try:
        last = plan.last_time()
        end = plan.start + UNTIL_THE_END if last is None else math.inf
        pharmacokinetics.planned(plan, drug, species, end)
    except RegimenError as error:
        raise error.at("--regimen") from None


def _plans(given: Sequence[str]) -> "list[Regimen]":
    from mtorsim.regimen import Regimen

    plans: list[Regimen] = []
    for text in given:
        try:
            plan = Regimen(text)
        except InputError as error:
            raise error.at("--regimen") from None
        if plan in plans:
            raise InputError(f"--regimen: {shown(plan.text)} is given twice.")
        plans.append(plan)
    return plans


def _companies(given: Sequence[str] | None) -> list[tuple[str, ...]]:
    """Return the modifiers of each arm of a regimen; the first has none."""
    companies: list[tuple[str, ...]] = [()]
    for text in given or ():
        names = tuple(_listed(text))
        if not names:
            raise InputError("--with: expected a name such as ketoconazole, got nothing.")
        if any({*names} == {*other} for other in companies):
            raise InputError(f"--with: {shown(text)} is given twice.")
        companies.append(names)
    return companies


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _with_fits(found: "Sequence[Exposure]", *, quiet: bool) -> "list[Exposure]":
    from mtorsim.pharmacology import members

    fits = [members(one.drug, one.compiled.species, one.compiled.modifiers) for one in found]
    with screen.counting("accepted fits", sum(map(len, fits)), is_quiet=quiet) as count:
        return [one.with_fits(count(own)) for one, own in zip(found, fits, strict=True)]


# --- what is printed ------------------------------------------------------------------------------


def _records(done: "Comparison") -> list[dict[str, Any]]:
    """Return the rows of the table, each with what its arm is given."""
    arms = {
        label: {
            "arm": label,
            "drug": one.drug,
            "species": one.compiled.species,
            "regimen": one.regimen.text,
            "with": list(one.compiled.modifiers),
        }
        for label, one in zip(done.labels, done.exposures, strict=True)
    }
    rows = done.table.to_dict("records")
    return [arms[row["arm"]] | {str(key): value for key, value in row.items()} for row in rows]


def _print(done: "Comparison", usual: "Statement | None") -> None:
    from mtorsim.pharmacology.words import MATRIX, in_words, letters

    found = done.exposures
    words = in_words(found)
    if usual is not None:
        words.append(f"Without --regimen: {usual.text} ({usual.source}).")
    screen.say("\n".join(words) + "\n\n")
    names = dict(zip(done.labels, letters(len(found)), strict=True))
    notes = _Notes(max(len(one.fits) for one in found))
    plain = _plain_arms(done)
    for analyte, part in done.table.groupby("analyte", sort=False):
        matrix = next(MATRIX[one.facts.matrix] for one in found if analyte in one.analytes)
        columns, rows = _page(f"{analyte}, {matrix}", part, names, plain, notes)
        screen.say_table(columns, rows)
        screen.say("")
    for line in notes.lines():
        screen.say(line)


def _plain_arms(done: "Comparison") -> dict[str, str]:
    """Return label -> label of the arm that its ratios are to."""
    arms = list(zip(done.labels, done.exposures, strict=True))
    plain = {one.regimen: label for label, one in arms if not one.compiled.modifiers}
    return {label: plain[one.regimen] for label, one in arms if one.compiled.modifiers}


class _Notes:
    """What stands below the tables: why there is no number, each reason once."""

    def __init__(self, fits: int) -> None:
        self.fits = fits
        self.reasons: list[str] = []
        self.has_blank = self.has_relative = False

    def sign(self, reason: str) -> str:
        """Return the sign of a reason, in place of a number."""
        if reason not in self.reasons:
            self.reasons.append(reason)
        return f"[{self.reasons.index(reason) + 1}]"

    def lines(self) -> Iterator[str]:
        """Yield the notes that are due."""
        if self.fits:
            yield f"Median of {self.fits} accepted fits (5th to 95th percentile)."
        if self.has_relative:
            yield "Relative: to the first regimen with the same modifiers; 1: as much as the dose."
        for number, reason in enumerate(self.reasons, start=1):
            yield f"[{number}] {reason}"
        if self.has_blank:
            yield f"{_BLANK} does not apply to this regimen"


def _page(
    title: str,
    table: "pd.DataFrame",
    names: Mapping[str, str],
    plain: Mapping[str, str],
    notes: _Notes,
) -> tuple[list[screen.Column], list[list[str]]]:
    """Return columns and cells of one analyte."""
    columns = [screen.Column(title), screen.Column("dose")]
    for label, name in names.items():
        columns.append(screen.Column(name if len(names) > 1 else "value", is_number=True))
        if label in plain:
            columns.append(screen.Column(f"{name}/{names[plain[label]]}", is_number=True))
    arms: dict[tuple[str, str, str], Mapping[str, Any]] = {
        (row["arm"], row["dose"], row["quantity"]): {str(key): one for key, one in row.items()}
        for row in table.to_dict("records")
    }
    keys = dict.fromkeys(zip(table["dose"], table["quantity"], table["unit"], strict=True))
    rows = []
    for dose, quantity, unit in _in_order(keys):
        cells = [quantity, dose]
        for label in names:
            row = arms.get((label, dose, quantity))
            cells.append(_value(row, notes))
            if label in plain:
                cells.append(_ratio(row, notes))
        rows.append([*cells, "" if unit == "1" else unit])
        notes.has_relative |= "relative" in quantity
    return [*columns, screen.Column("unit")], rows


_DOSES = ("first", "last", "last over first")


def _in_order(keys: Iterable[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    return sorted(keys, key=lambda key: _DOSES.index(key[0]))


def _value(row: Mapping[str, Any] | None, notes: _Notes) -> str:
    if row is None:
        notes.has_blank = True
        return _BLANK
    said = _said(row, notes, "")
    return said or notes.sign(row["reason"] or "no value with more than half of the fits")


def _ratio(row: Mapping[str, Any] | None, notes: _Notes) -> str:
    return "" if row is None else _said(row, notes, "ratio")


def _said(row: Mapping[str, Any], notes: _Notes, kind: str) -> str:
    """Return a value or a ratio, with its range if there are fits; empty where there is none."""
    write = _fold if kind else _number
    if not notes.fits:
        return write(row[kind or "value"])
    stem = f"{kind}_" if kind else ""
    middle, low, high = (write(row[stem + name]) for name in ("median", "p5", "p95"))
    return f"{middle} ({low} to {high})" if middle else ""


def _number(value: float) -> str:
    if math.isnan(value):
        return ""
    return f"{value:.0f}" if 1000 <= abs(value) < 1e7 else f"{value:.3g}"


def _fold(value: float) -> str:
    return f"{value:.2f}" if 0.1 <= value < 100 else _number(value)
