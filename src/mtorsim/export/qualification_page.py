"""The report as one page that needs nothing else: tables, a small picture a number, figures."""

import math
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from io import BytesIO
from typing import TYPE_CHECKING

import mtorsim
from mtorsim.qualification.report import Report
from mtorsim.qualification.rows import KINDS, Row
from mtorsim.qualification.tolerances import LARGEST, TIGHTER

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_STYLE = """
body{font:14px/1.45 system-ui,sans-serif;color:#222;max-width:76rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem}h2{font-size:1.2rem;margin-top:2.2rem;border-bottom:1px solid #ddd}
table{border-collapse:collapse;width:100%;font-size:12.5px}
th,td{text-align:left;vertical-align:top;padding:.25rem .5rem;border-bottom:1px solid #eee}
th{position:sticky;top:0;background:#fff;border-bottom:1px solid #999}
td.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.pass{color:#00694b}.near{color:#8a5a00}.miss,.failed{color:#a82b00;font-weight:600}.shown{color:#666}
.why{color:#444;font-size:12px}.src{color:#666;font-size:11.5px}img{max-width:100%}
details>summary{cursor:pointer;font-weight:600;margin:.6rem 0}
"""

_WORDS = (
    "Pass: within the published range. Near: no more than twice as far from the published value as "
    "the end of the range on that side (ranges are about two standard errors). Numbers that a fit "
    "used (calibrated), that a constant was set by (chosen), that nearly repeat those (follows) "
    "and that nothing was set by (predicted) are counted apart; so are those that were recalled "
    "and not read, which are no evidence. Behaviours are what papers agree on in words; their "
    "bounds come from no single paper, several are of one kind in several cells, and some repeat "
    "published numbers: they are counted apart from all of these. Invariants test the program."
)
_HEAD = ("id", "quantity", "published", "model", "", "verdict", "source")


def page(report: Report, figures: "Mapping[str, Figure]") -> str:
    """Return the report as HTML, misses first; pictures are part of it."""
    said = [*report.totals, *report.spread_totals]
    parts = [
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>",
        "<meta name='viewport' content='width=device-width,initial-scale=1'>",
        f"<title>mtorsim: qualification</title><style>{_STYLE}</style></head><body>",
        "<h1>mtorsim beside what was published</h1>",
        f"<p>{len(report.rows)} numbers. {escape(_WORDS)}</p>",
        f"<ul>{''.join(f'<li>{escape(one)}</li>' for one in said)}</ul>",
        _section("Scores", _scores(report)),
        _section("What is missed", _misses(report)),
        *(_section(title, _picture(title, one)) for title, one in figures.items()),
        _section("Tolerances of the solver", _tolerances(report)) if report.changes else "",
        _section("All published numbers", "".join(_by_group(report, is_behaviour=False))),
        _section("Behaviours", "".join(_by_group(report, is_behaviour=True))),
        _section("Not simulated", _left_out(report)) if report.left_out else "",
        f"<p class='src'>mtorsim {escape(mtorsim.__version__)}</p></body></html>",
    ]
    return "\n".join(part for part in parts if part) + "\n"


def _section(title: str, content: str) -> str:
    return f"<h2>{escape(title)}</h2>\n{content}" if content else ""


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; cells are HTML already."""
    top = "".join(f"<th>{escape(one)}</th>" for one in head)
    body = "\n".join(f"<tr>{''.join(row)}</tr>" for row in rows)
    return f"<table><thead><tr>{top}</tr></thead><tbody>\n{body}\n</tbody></table>"


def _cell(text: str, kind: str = "") -> str:
    return f"<td{f' class={kind!r}' if kind else ''}>{text}</td>"


def _scores(report: Report) -> str:
    rows = [
        (
            _cell(escape(one.group)),
            _cell(escape(one.words)),
            _cell(f"{one.passed} of {one.count}", "n"),
            _cell(str(one.near or ""), "n"),
            _cell(str(one.missed + one.failed or ""), "n"),
        )
        for one in report.scores
    ]
    return _table(("group", "kind", "pass", "near", "miss"), rows)


def _misses(report: Report) -> str:
    if not report.misses:
        return "<p>Nothing.</p>"
    return _table(_HEAD, (_row(report, row, with_why=True) for row in report.misses))


def _by_group(report: Report, *, is_behaviour: bool) -> Iterator[str]:
    groups = dict.fromkeys(row.group for row in report.rows)
    for group in groups:
        if (group in report.statements) != is_behaviour:
            continue
        statement = report.statements.get(group, "")
        own = [row for row in report.rows if row.group == group]
        own.sort(key=lambda row: KINDS.index(row.kind))
        table = _table(_HEAD, (_row(report, row, with_why=False) for row in own))
        title = f"{group}. {statement}" if statement else group
        yield f"<details><summary>{escape(title)} ({len(own)})</summary>{table}</details>\n"


def _row(report: Report, row: Row, *, with_why: bool) -> tuple[str, ...]:
    unit = "" if row.unit == "1" else f" {row.unit}"
    told = report.explanation(row) if with_why else None
    why = ""
    if told is not None:
        why = f"<div class='why'>{escape(told.does)} <b>Why:</b> {escape(told.why)} "
        why += f"<b>What would mend it:</b> {escape(told.mend)}</div>"
    elif with_why:
        why = "<div class='why'>Not explained yet.</div>"
    remark = f"<div class='src'>{escape(row.remark)}</div>" if row.remark else ""
    condition = f"<div class='src'>{escape(row.condition)}</div>" if row.condition else ""
    known = "" if row.group in report.statements else row.id
    return (
        _cell(escape(known)),
        _cell(escape(row.what) + condition + remark + why),
        _cell(escape(row.published + unit), "n"),
        _cell(escape(_number(row.model)) + _spread(row), "n"),
        _cell(gauge(row)),
        _cell(f"{escape(row.verdict)}<br><span class='src'>{escape(row.kind)}</span>", row.verdict),
        _cell(_source(row), "src"),
    )


def _spread(row: Row) -> str:
    """Say what 5 to 95 % of the ensemble give."""
    if row.spread is None:
        return ""
    ends = f"{_number(row.spread.low)} to {_number(row.spread.high)}"
    within = f"{row.spread.within} of {row.spread.count} within"
    return f"<div class='src'>{escape(ends)}<br>{escape(within)}</div>"


def _number(value: float) -> str:
    return "not reached" if math.isinf(value) else "" if math.isnan(value) else f"{value:.4g}"


def _source(row: Row) -> str:
    if not (row.citation or row.is_published):
        return "the program" if row.kind == "invariant" else "no single paper"
    parts = [escape(row.citation)]
    if row.doi:
        parts.append(f"<a href='https://doi.org/{escape(row.doi, quote=True)}'>doi</a>")
    if row.place:
        parts.append(escape(row.place))
    if row.is_published and row.provenance not in ("", "found"):
        parts.append(escape(row.provenance))
    return ", ".join(part for part in parts if part)


# -- the small picture of one number ---------------------------------------------------------------

_LONG, _TALL, _EDGE = 120.0, 16.0, 6.0  # px


def gauge(row: Row) -> str:
    """Return a bar for the published range, a stroke for its value and a dot for the model.

    A line through the dot is 5 to 95 % of the ensemble.
    """
    ends = [one for one in (row.low, row.high, row.value) if math.isfinite(one)]
    if not ends or not row.is_scored:
        return ""
    line = () if row.spread is None else (row.spread.low, row.spread.high)
    ends += [one for one in line if math.isfinite(one)]
    dots = [row.model] if math.isfinite(row.model) else []
    is_log = min([*ends, *dots]) > 0 and max([*ends, *dots]) > 20 * min([*ends, *dots])
    is_log = is_log or (row.scale == "log" and min([*ends, *dots]) > 0)
    change = math.log if is_log else float
    low, high = min(map(change, [*ends, *dots])), max(map(change, [*ends, *dots]))
    spare = 0.15 * (high - low) or 0.5 * abs(high) or 1.0
    low, high = low - spare, high + spare

    def place(value: float) -> float:
        return _EDGE + (_LONG - 2 * _EDGE) * (change(value) - low) / (high - low)

    left = place(row.low) if math.isfinite(row.low) else 0.0
    right = place(row.high) if math.isfinite(row.high) else _LONG
    middle = _TALL / 2
    colour = {"pass": "#009E73", "near": "#E69F00"}.get(row.verdict, "#D55E00")
    size = f"x='{left:.1f}' y='{middle - 4:.1f}' width='{max(right - left, 1):.1f}' height='8'"
    parts = [f"<rect {size} fill='#d8e6ef'/>"]
    if math.isfinite(row.value):
        x = place(row.value)
        parts.append(f"<path d='M{x:.1f} {middle - 5}V{middle + 5}' stroke='#0072B2'/>")
    if line and math.isfinite(line[0]):
        last = place(line[1]) if math.isfinite(line[1]) else _LONG
        stroke = f"stroke='{colour}' stroke-width='1.5'"
        parts.append(f"<path d='M{place(line[0]):.1f} {middle}H{last:.1f}' {stroke}/>")
    x = place(row.model) if dots else _LONG - 3
    shape = f"<circle cx='{x:.1f}' cy='{middle}' r='3.5' fill='{colour}'/>"
    if not dots:  # beyond everything
        shape = f"<path d='M{x - 5:.1f} {middle - 4}l6 4l-6 4z' fill='{colour}'/>"
    parts.append(shape)
    return (
        f"<svg width='{_LONG:.0f}' height='{_TALL:.0f}' role='img' "
        f"aria-label='{escape(row.verdict)}'>{''.join(parts)}</svg>"
    )


# -- figures and the rest --------------------------------------------------------------------------


def _picture(title: str, figure: "Figure") -> str:
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=130)
    content = b64encode(buffer.getvalue()).decode("ascii")
    return f"<img alt='{escape(title)}' src='data:image/png;base64,{content}'>"


def _tolerances(report: Report) -> str:
    worst = sorted(report.changes, key=lambda one: -one.share)
    said = (
        f"<p>Every read-out once more with relative and absolute tolerance divided by "
        f"{TIGHTER:g}: {len(report.moved)} of {len(worst)} move by more than "
        f"{100 * LARGEST:g} %. The ten that move most:</p>"
    )
    rows = [
        (
            _cell(escape(one.id)),
            _cell(escape(one.what)),
            _cell(f"{one.usual:.8g}", "n"),
            _cell(f"{one.tight:.8g}", "n"),
            _cell(f"{100 * one.share:.2g} %", "n"),
        )
        for one in worst[:10]
    ]
    return said + _table(("id", "quantity", "as usual", "tighter", "change"), rows)


def _left_out(report: Report) -> str:
    rows = [
        (
            _cell(escape(one.id)),
            _cell(escape(one.quantity) + f"<div class='src'>{escape(one.condition)}</div>"),
            _cell("" if math.isnan(one.value) else escape(f"{one.value:g} {one.unit}"), "n"),
            _cell(escape("a constant of the models" if one.use == "input" else one.use)),
            _cell(escape(one.remark)),
            _cell(escape(", ".join(filter(None, (one.citation, one.provenance)))), "src"),
        )
        for one in report.left_out
    ]
    table = _table(("id", "quantity", "published", "use", "why", "source"), rows)
    return f"<details><summary>{len(rows)} numbers</summary>{table}</details>"
