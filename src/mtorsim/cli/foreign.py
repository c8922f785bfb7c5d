"""``run --model``, ``export --model`` and ``map``: models that were not written here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mtorsim.cli import screen
from mtorsim.cli.options import Wish, pairs
from mtorsim.errors import InputError, shown

if TYPE_CHECKING:
    from mtorsim.foreign import Model
    from mtorsim.result import Result
    from mtorsim.scenario import Treatment

_LADDER = (1 / 60, 5 / 60, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 360, 720, 1440, 4320, 10080)  # min
_MOST = 6
_ROWS, _NAME = 40, 40


@dataclass(frozen=True)
class ModelWish:
    """The options of a command line that name a foreign model, as typed."""

    file: str
    map: str | None = None
    time_unit: str | None = None


def run(wish: Wish, model: ModelWish, out: str, *, quiet: bool, as_json: bool) -> None:
    """Carry out ``run --model``; the folder is tried before the work."""
    if not out:
        raise InputError("--out: expected a folder, got nothing.")
    from mtorsim.export.run_folder import FILES, check_folder

    loaded, asked = _asked(wish, model)
    check_folder(out)
    result = loaded.simulate(**asked)
    bare = loaded.simulate(**asked | {"drugs": ()}) if asked["drugs"] else None
    minutes = _times(float(result.time[-1]))
    rows = _rows(result, bare, minutes)
    hours = [minute / 60 for minute in minutes]
    if as_json:
        screen.say_json({"time_h": hours, "read_outs": rows})
    elif not quiet:
        screen.say(f"{result.scenario.in_words()}\n\n")
        for warning in (one for one in loaded.notes if one.severity == "warning"):
            screen.say(f"Note: {warning.message}")
        _print(rows, minutes, has_drug=bare is not None)
    folder = result.save(out)
    if not (quiet or as_json):
        screen.say(f"Wrote {', '.join(FILES)} to {str(folder)!r}.")


def export(
    wish: Wish, model: ModelWish, to: str | None, output: str | None, *, quiet: bool
) -> None:
    """Carry out ``export --model``."""
    from mtorsim.cli.export import by_ending, check_place, what
    from mtorsim.export import foreign_files
    from mtorsim.export.files import write_files

    to = to or by_ending(output)
    if to not in ("sbml", "antimony", "sedml", "omex"):
        raise InputError(
            f"--to {shown(to)}: a foreign model is written as sbml, antimony, sedml or omex."
        )
    check_place(to, output)
    loaded, asked = _asked(wish, model)
    files = foreign_files(loaded, to, output, **asked)
    if output is None:
        screen.say(next(iter(files.values())).decode("utf-8"))
        return
    write_files(files)
    if not quiet:
        screen.say(f"Wrote {what(to, output)}.")


def propose(file: str, output: str | None, *, quiet: bool) -> None:
    """Carry out ``mtorsim map``."""
    from mtorsim.export.files import check_file_target, write_file
    from mtorsim.foreign.proposal import proposed

    if output is not None:
        check_file_target(output)
    text = proposed(file)
    if output is None:
        screen.say(text)
        return
    write_file(output, text.encode("utf-8"))
    if not quiet:
        screen.say(f"Wrote {output}. Read it over: it is a proposal.")


def _asked(wish: Wish, model: ModelWish) -> tuple["Model", dict[str, Any]]:
    """Return the model and the arguments of `simulate`; options of our own network are refused."""
    from mtorsim.foreign import load_model

    for option, given in (
        ("a scenario file", wish.file), ("--cell", wish.cell), ("--stimulus", wish.stimulus),
        ("--perturb", wish.perturb), ("--species", wish.species),
    ):  # fmt: skip
        if given:
            raise InputError(
                f"{option} belongs to mtorsim's own network. With --model change the model itself: "
                "--set ID=VALUE."
            )
    loaded = load_model(model.file, map=model.map, time_unit=model.time_unit)
    ids = [part.strip() for text in wish.observe or () for part in text.split(",")]
    asked: dict[str, Any] = {
        "drugs": _drugs(pairs("--drug", wish.drug, "20nM")),
        "set": _numbers(pairs("--set", wish.set, "0.3")),
        "observe": tuple(dict.fromkeys(one for one in ids if one)),
        "duration": wish.duration,
    }
    return loaded, asked


def _drugs(given: Mapping[str, str]) -> "tuple[Treatment, ...]":
    from mtorsim.scenario import Treatment

    found = []
    for name, dose in given.items():
        try:
            found.append(Treatment(name, dose))
        except InputError as error:
            raise error.at("--drug") from None
    return tuple(found)


def _numbers(given: Mapping[str, str]) -> dict[str, Any]:
    return dict(given)


def _times(end: float) -> list[float]:
    """Return the times of the table [min]: 0, a few that people think in, and the end."""
    early = [time for time in _LADDER if time < end]
    return [0.0, *early[-_MOST + 2 :], end]


def _rows(
    result: "Result", bare: "Result | None", minutes: Sequence[float]
) -> list[dict[str, Any]]:
    values = result.rows_at(minutes, result.ids)
    rows = []
    for id, row in zip(result.ids, values, strict=True):
        one: dict[str, Any] = {"id": id, "name": result.labels[id], "unit": result.units[id],
                               "value": row.tolist()}  # fmt: skip
        if bare is not None:
            without = bare.rows_at(minutes, [id])[0].tolist() if id in bare.ids else None
            one["without_drug"] = without
            one["ratio"] = without and [
                value / other if abs(other) > bare.floors.get(id, 0.0) else None
                for value, other in zip(row.tolist(), without, strict=True)
            ]
        rows.append(one)
    return rows


def _print(rows: Sequence[dict[str, Any]], minutes: Sequence[float], *, has_drug: bool) -> None:
    times = [screen.Column(_time(minute), is_number=True) for minute in minutes]
    unit = screen.Column("unit")
    shown_rows = rows[:_ROWS]
    if has_drug:
        compared = [row for row in shown_rows if row["ratio"]]
        if compared:
            columns = [screen.Column("with drug / without, same time"), *times,
                       screen.Column("without, at the end", is_number=True), unit]  # fmt: skip
            screen.say_table(columns, (_ratios(row) for row in compared))
            screen.say("")
        shown_rows = [row for row in shown_rows if not row["ratio"]]
    if shown_rows:
        screen.say_table([screen.Column("read-out"), *times, unit],
                         ([_title(row), *map(_number, row["value"]), row["unit"]]
                          for row in shown_rows))  # fmt: skip
        screen.say("")
    if len(rows) > _ROWS:
        screen.say(f"{_ROWS} of {len(rows)} read-outs; all are in timecourse.csv.\n")


def _time(minutes: float) -> str:
    from mtorsim.units import say_time

    return f"{60 * minutes:.3g} s" if 0 < minutes < 1 else say_time(minutes)


def _title(row: Mapping[str, Any]) -> str:
    name, id = row["name"], row["id"]
    says_more = name and name != id.replace("_", " ") and len(name) <= _NAME
    return f"{id} [{name}]" if says_more and name != id else str(id)


def _ratios(row: Mapping[str, Any]) -> list[str]:
    ratios = ["-" if one is None else _ratio(one) for one in row["ratio"]]
    return [_title(row), *ratios, _number(row["without_drug"][-1]), row["unit"]]


def _ratio(value: float) -> str:
    return f"{value:.2f}" if 0.1 <= value < 100 else f"{value:.3g}"


def _number(value: float) -> str:
    return f"{value:.0f}" if 1000 <= abs(value) < 1e7 else f"{value:.3g}"
