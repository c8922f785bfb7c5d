"""``mtorsim show``: what there is."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from mtorsim.cli import options, screen
from mtorsim.errors import InputError, UnknownIdError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mtorsim.pharmacokinetics import Pharmacokinetics
    from mtorsim.symbols import Symbol

show = typer.Typer(
    help="Show what there is: cells, drugs, parameters and their sources, a scenario in words.",
    rich_markup_mode="rich",
)

Quiet: TypeAlias = Annotated[
    bool,
    typer.Option("-q", "--quiet", metavar="", help="Print the names only.", show_default=False),
]
Text: TypeAlias = Annotated[
    str | None, typer.Argument(metavar="TEXT", help="Show only what contains this text.")
]
Row: TypeAlias = dict[str, Any]


@show.callback(invoke_without_command=True)
def _topics(context: typer.Context) -> None:
    """Show what there is."""
    if context.invoked_subcommand is None:
        topics = [entry.callback.__name__ for entry in show.registered_commands if entry.callback]
        raise InputError(f"show what? One of: {', '.join(topics)}.")


@show.command()
def cells(
    quiet: Quiet = False,
    json: options.Json = False,
    debug: options.Debug = False,  # noqa: ARG001
) -> None:
    """Cell lines: medium, status of tumour genes."""
    from mtorsim import cells as known

    loaded = [known.load(name) for name in known.names()]
    rows = [
        {
            "name": cell.name,
            "description": cell.description,
            "medium": cell.medium.text,
            "status": ", ".join(f"{gene} {status.text}" for gene, status in cell.status.items()),
        }
        for cell in loaded
    ]
    _print(rows, quiet, json)


@show.command()
def drugs(
    quiet: Quiet = False,
    json: options.Json = False,
    debug: options.Debug = False,  # noqa: ARG001
) -> None:
    """Drugs: mechanism, molar mass."""
    from mtorsim import drugs as known

    loaded = [known.load(name) for name in known.names()]
    rows = [
        {
            "name": drug.name,
            "mechanism": drug.mechanism,
            "molar mass [g/mol]": drug.molar_mass.value,
            "description": drug.description,
        }
        for drug in loaded
    ]
    _print(rows, quiet, json)


@show.command()
def pharmacokinetics(
    quiet: Quiet = False,
    json: options.Json = False,
    debug: options.Debug = False,  # noqa: ARG001
) -> None:
    """Drugs that can be given to a body: species, routes, what appears there and is measured."""
    from mtorsim import pharmacokinetics as known

    rows = [_kinetics(one, species) for species, one in known.pairs()]
    _print(sorted(rows, key=lambda row: str(row["drug"])), quiet, json)


def _kinetics(one: "Pharmacokinetics", species: str) -> Row:
    from mtorsim.ids import sid
    from mtorsim.units import say_time

    subject = one.subjects[species]
    return {
        "drug": one.name,
        "species": species,
        "routes": ", ".join(subject.routes),
        "infusion": say_time(subject.infusion.value) if subject.infusion else "",
        "analytes": ", ".join(one.analytes),
        "measured in": one.matrix,
        "read-outs": ", ".join(f"{sid(name)}_{one.matrix}" for name in one.analytes),
        "description": one.description,
    }


@show.command()
def perturbations(
    quiet: Quiet = False,
    json: options.Json = False,
    debug: options.Debug = False,  # noqa: ARG001
) -> None:
    """Perturbations: what they change, and when."""
    from mtorsim import perturbation as known

    loaded = [known.load(name) for name in known.names()]
    rows = [
        {
            "name": found.name,
            "acts on": found.place,
            "timing": found.timing,
            "changes": "; ".join(change.in_words() for change in found.changes),
            "description": found.description,
            "source": found.source,
            "confidence": found.confidence,
        }
        for found in loaded
    ]
    _print(rows, quiet, json)


@show.command()
def stimuli(
    quiet: Quiet = False,
    json: options.Json = False,
    debug: options.Debug = False,  # noqa: ARG001
) -> None:
    """Growth factors and nutrients that the medium can be given."""
    from mtorsim.perturbation import STIMULI

    rows = [
        {"name": name, "molar mass [g/mol]": fact.value, "source": fact.source}
        for name, fact in STIMULI.items()
    ]
    _print(rows, quiet, json)


@show.command()
def branches(
    quiet: Quiet = False,
    json: options.Json = False,
    debug: options.Debug = False,  # noqa: ARG001
) -> None:
    """Branches of the network, each a file in models/."""
    from mtorsim.library import BRANCHES, branch_summary

    _print([{"name": name, "what": branch_summary(name)} for name in BRANCHES], quiet, json)


@show.command()
def species(
    text: Text = None,
    quiet: Quiet = False,
    json: options.Json = False,
    debug: options.Debug = False,  # noqa: ARG001
) -> None:
    """Molecules of the network and of a body, and their amounts in the model files."""
    _print_symbols(_symbols("species", text, {"species"}), quiet, json)


@show.command()
def observables(
    text: Text = None,
    quiet: Quiet = False,
    json: options.Json = False,
    debug: options.Debug = False,  # noqa: ARG001
) -> None:
    """Read-outs."""
    from mtorsim.observables import OBSERVABLES

    table = _table()
    rows = [
        {"id": id, "unit": table[id].unit, "name": table[id].name, "branch": table[id].branch}
        for id in OBSERVABLES
    ]
    _print(_matching(rows, text, "observable"), quiet, json)


@show.command()
def parameters(
    text: Text = None,
    markdown: Annotated[
        bool,
        typer.Option(
            "--markdown",
            metavar="",
            help="As a page, initial concentrations included.",
            show_default=False,
        ),
    ] = False,
    quiet: Quiet = False,
    json: options.Json = False,
    debug: options.Debug = False,  # noqa: ARG001
) -> None:
    """Parameters, volumes, values of cells: unit, source, confidence (A measured … D assumed)."""
    from mtorsim.cli import numbers

    own = [*numbers.of_cells(), *numbers.of_perturbations()]
    found = _symbols("parameter", text, {"parameter", "compartment"}, own)
    if markdown:
        first = _symbols("species", None, {"species"})
        known = [
            row for row in first if row["confidence"] and (text is None or _contains(row, text))
        ]
        screen.say(numbers.page([*found, *known]).rstrip("\n"))
    else:
        _print_symbols([numbers.with_fit(row) for row in found], quiet, json)


@show.command()
def scenario(
    scenario: options.ScenarioFile = None,
    cell: options.Cell = None,
    drug: options.Drug = None,
    stimulus: options.Stimulus = None,
    perturb: options.Perturb = None,
    duration: options.Duration = None,
    set_: options.Set = None,
    observe: options.Observe = None,
    species: options.Species = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
    debug: options.Debug = False,  # noqa: ARG001
) -> None:
    """A scenario in words: what `run` would do."""
    from mtorsim.compile import compile_scenario, size

    wish = options.Wish(scenario, cell, drug, stimulus, perturb, duration, set_, observe, species)
    meant = wish.scenario()
    compiled = compile_scenario(meant)  # ids that the model does not know are refused here too
    if json:
        screen.say_json(meant.to_dict())
    elif not quiet:
        screen.say(f"{meant.in_words()}\n{size(compiled)}")


@show.command()
def schema(
    sweep: Annotated[
        bool,
        typer.Option("--sweep", metavar="", help="Of sweep files instead.", show_default=False),
    ] = False,
    quiet: Quiet = False,
    json: options.Json = False,  # noqa: ARG001 - it is JSON anyway
    debug: options.Debug = False,  # noqa: ARG001
) -> None:
    """JSON Schema of scenario files, or of sweep files."""
    from mtorsim import scenario_file

    found = scenario_file.schema(sweep=sweep)
    if quiet:
        screen.say("\n".join(found["properties"]))
    else:
        screen.say_json(found)


def _table() -> "Mapping[str, Symbol]":
    """Every id of the network, and what each drug and each mutant of mTOR adds alone."""
    from mtorsim import drugs as known
    from mtorsim import perturbation
    from mtorsim.compile import structure
    from mtorsim.symbols import symbols

    mutants = [name for name in perturbation.names() if perturbation.load(name).mutant]
    parts = [((name,), ()) for name in known.names()] + [((), (name,)) for name in mutants]
    table = {id: one for part in parts for id, one in symbols(structure(*part)).items()}
    return {**table, **symbols()}


def _symbols(what: str, text: str | None, kinds: set[str], more: "Iterable[Row]" = ()) -> list[Row]:
    every = [_row(symbol) for symbol in _table().values() if symbol.kind in kinds]
    return _matching([*every, *_body_rows(kinds), *more], text, what)


def _row(symbol: "Symbol") -> Row:
    keys = ("id", "value", "unit", "confidence", "source", "notes", "name", "branch")
    return {key: getattr(symbol, key) for key in keys}


def _body_rows(kinds: set[str]) -> "Iterator[Row]":
    """Rows of the pharmacokinetics; what differs between species has one for each."""
    found: dict[str, dict[str, Row]] = {}
    for species, row in _rows_by_species(kinds):
        found.setdefault(row["id"], {})[species] = row
    for rows in found.values():
        first, *others = rows.values()
        if all(row == first for row in others):
            yield first
        else:
            yield from ({**row, "name": f"{row['name']} ({s})"} for s, row in rows.items())


def _rows_by_species(kinds: set[str]) -> "Iterator[tuple[str, Row]]":
    from mtorsim import pharmacokinetics as known
    from mtorsim.derived import first_values
    from mtorsim.library import body_sbml
    from mtorsim.symbols import symbols

    for species, one in known.pairs():
        sbml = body_sbml(species, (one.name,))
        first = first_values({}, sbml)
        for id, symbol in symbols(sbml).items():
            # What follows from other values cannot be set: of parameters it is left out.
            if symbol.kind in kinds and (symbol.kind == "species" or id not in first):
                yield species, {**_row(symbol), "value": first.get(id, symbol.value)}


def _matching(rows: list[Row], text: str | None, kind: str) -> list[Row]:
    found = [row for row in rows if text is None or _contains(row, text)]
    if not found:
        raise UnknownIdError(kind=kind, given=text, choices=[row["id"] for row in rows])
    return found


def _contains(row: Row, text: str) -> bool:
    return any(text.casefold() in str(value).casefold() for value in row.values())


def _print_symbols(rows: Sequence[Row], quiet: bool, as_json: bool) -> None:
    """Print numbers with their origin; the table has source and notes in one column."""
    if not as_json:
        keys = ("id", "value", "unit", "branch", "confidence")
        rows = [{**{key: row[key] for key in keys}, "source": _origin(row)} for row in rows]
    _print(rows, quiet, as_json)


def _origin(row: Row) -> str:
    parts = [row["notes"]] if row["source"] in row["notes"] else [row["source"], row["notes"]]
    return "; ".join(part for part in (row["name"], *parts) if part)


def _print(rows: Sequence[Row], quiet: bool, as_json: bool) -> None:
    """Print rows as a table; JSON keeps every field, the table those that hold something."""
    if as_json:
        screen.say_json(list(rows))
        return
    if quiet:
        screen.say("\n".join(str(next(iter(row.values()))) for row in rows))
        return
    used = [key for key in rows[0] if any(row[key] not in (None, "") for row in rows)]
    columns = [screen.Column(key, _is_numeric(row[key] for row in rows)) for key in used]
    screen.say_table(columns, ([_cell(row[key]) for key in used] for row in rows))


def _is_numeric(values: Iterable[Any]) -> bool:
    return all(isinstance(value, int | float) or value is None for value in values)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)
