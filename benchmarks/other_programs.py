"""The same SBML in other programs: SciPy, COPASI, Tellurium. None of them is ours.

`scipy_course` reads the equations from the file with libSBML, turns them into Python and hands
them to a solver of SciPy: it shares neither code nor solver with RoadRunner. It knows what our
exports use, and published models without delays or algebraic rules; events must have the form
``time >= number``, since a solver that is told when they come cannot miss one.
"""

import locale
import math
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import libsbml
import numpy as np
from scipy.integrate import solve_ivp

from mtorsim.library import read_sbml

Table = dict[str, np.ndarray]

_SIGNS = {
    libsbml.AST_PLUS: "+",
    libsbml.AST_TIMES: "*",
    libsbml.AST_DIVIDE: "/",
    libsbml.AST_POWER: "**",
    libsbml.AST_FUNCTION_POWER: "**",
    libsbml.AST_RELATIONAL_GEQ: ">=",
    libsbml.AST_RELATIONAL_GT: ">",
    libsbml.AST_RELATIONAL_LEQ: "<=",
    libsbml.AST_RELATIONAL_LT: "<",
    libsbml.AST_RELATIONAL_EQ: "==",
    libsbml.AST_LOGICAL_AND: " and ",
    libsbml.AST_LOGICAL_OR: " or ",
}
_FUNCTIONS = {
    libsbml.AST_FUNCTION_EXP: "exp",
    libsbml.AST_FUNCTION_LN: "log",
    libsbml.AST_FUNCTION_ABS: "fabs",
    libsbml.AST_FUNCTION_TANH: "tanh",
    libsbml.AST_FUNCTION_MIN: "min",
    libsbml.AST_FUNCTION_MAX: "max",
}
_TIME = "time_"


class Equations:
    """The ordinary differential equations of an SBML model, as Python.

    Attributes
    ----------
    states : list of str
        Species, as amounts, and parameters with a rate rule.
    """

    def __init__(self, sbml: str) -> None:
        document = read_sbml(sbml)
        # Formulas of function definitions and parameters of single reactions are put in place.
        for change in ("expandFunctionDefinitions", "promoteLocalParameters"):
            wanted = libsbml.ConversionProperties()
            wanted.addOption(change, True)
            if document.convert(wanted) != libsbml.LIBSBML_OPERATION_SUCCESS:
                raise NotImplementedError(f"libSBML cannot do {change}")
        self._document, model = document, document.getModel()
        if model.getNumConstraints() or any(r.isAlgebraic() for r in model.getListOfRules()):
            raise NotImplementedError("constraints or algebraic rules")
        self._rules = {r.getVariable(): r for r in model.getListOfRules() if r.isAssignment()}
        self._rates = {r.getVariable(): r for r in model.getListOfRules() if r.isRate()}
        self._volume = {
            one.getId(): one.getCompartment()
            for one in model.getListOfSpecies()
            if not one.getHasOnlySubstanceUnits()
        }
        moved = [one.getId() for one in model.getListOfSpecies() if self._moves(one)]
        self.states = [*self._rates, *moved]
        self.values = self._first(model)
        self._order = self._sorted(model)
        self._derivatives, self._read = self._compiled(model)

    def _moves(self, species: libsbml.Species) -> bool:
        """Whether reactions move it; what is ruled or held at the boundary they do not."""
        id = species.getId()
        return not (species.getBoundaryCondition() or id in self._rules or id in self._rates)

    def _first(self, model: libsbml.Model) -> dict[str, float]:
        """Return id -> first value; of a species its concentration, or amount if it counts so."""
        values = {one.getId(): one.getSize() for one in model.getListOfCompartments()}
        values |= {one.getId(): one.getValue() for one in model.getListOfParameters()}
        for one in model.getListOfSpecies():
            size = values[one.getCompartment()]
            if one.isSetInitialAmount():
                amount = one.getInitialAmount()
            else:
                amount = one.getInitialConcentration() * size
            values[one.getId()] = amount / size if one.getId() in self._volume else amount
        return values

    def _sorted(self, model: libsbml.Model) -> list[str]:
        """Return what follows from other values, each after what it follows from."""
        self._initial = {one.getSymbol(): one for one in model.getListOfInitialAssignments()}
        order: list[str] = []

        def visit(id: str) -> None:
            rule = self._rules.get(id) or self._initial.get(id)
            if rule is None or id in order:
                return
            for name in sorted(_names(rule.getMath())):
                visit(name)
            order.append(id)

        for id in (*self._initial, *self._rules):
            visit(id)
        return order

    def _compiled(self, model: libsbml.Model) -> Any:
        """Return two functions of time and state: derivatives, and every value by id."""
        ruled = [f" {id} = {_text(self._rules[id].getMath())}" for id in self._order
                 if id in self._rules]  # fmt: skip
        lines = [f" {id} = _y[{place}]{self._per_volume(id)}"
                 for place, id in enumerate(self.states)]  # fmt: skip
        lines += ruled
        change = dict.fromkeys(self.states, "")
        for id, rule in self._rates.items():
            change[id] = f"+({_text(rule.getMath())})"
        for one in model.getListOfReactions():
            lines.append(f" v_{one.getId()} = {_text(one.getKineticLaw().getMath())}")
            for sign, side in (("-", one.getListOfReactants()), ("+", one.getListOfProducts())):
                for entry in side:
                    if entry.getSpecies() in change:
                        change[entry.getSpecies()] += (
                            f"{sign}{entry.getStoichiometry()!r}*v_{one.getId()}"
                        )
        body = "\n".join(lines)
        returned = ", ".join(text or "0.0" for text in change.values())
        scope = {name: getattr(math, name) for name in ("exp", "log", "fabs", "tanh", "sqrt")}
        # The constants are globals of the functions, so that an event can change them.
        self._scope = scope | {"min": min, "max": max}
        code = (
            f"def derivatives({_TIME}, _y):\n{body}\n return [{returned}]\n"
            f"def read({_TIME}, _y):\n{body}\n return {{**globals(), **locals()}}\n"
        )
        exec(compile(code, "equations", "exec"), self._scope)
        return self._scope["derivatives"], self._scope["read"]

    def _per_volume(self, id: str) -> str:
        return f"/{self._volume[id]}" if id in self._volume else ""

    def start(self) -> np.ndarray:
        """Put constants in place and return the first state."""
        values = {**self._scope, **self.values, _TIME: 0.0}
        for id in self._order:
            rule = self._rules.get(id) or self._initial[id]
            values[id] = eval(_text(rule.getMath()), values)
        constant = {id: values[id] for id in self.values if id not in {*self.states, *self._rules}}
        self._scope.update(constant)
        return np.array([values[id] * self._size(id) for id in self.states])

    def _size(self, id: str) -> float:
        return float(self._scope[self._volume[id]]) if id in self._volume else 1.0

    def sizes(self) -> np.ndarray:
        """Return what one unit of each state is as an amount."""
        return np.array([self._size(id) for id in self.states])

    def events(self) -> list[tuple[float, libsbml.Event]]:
        """Return when events come, and which."""
        found = []
        for event in self._document.getModel().getListOfEvents():
            trigger, delay = event.getTrigger(), event.getDelay()
            tree = trigger.getMath()
            left = tree.getChild(0) if tree.getNumChildren() else None
            if (
                delay is not None
                or tree.getType() != libsbml.AST_RELATIONAL_GEQ
                or left.getType() != libsbml.AST_NAME_TIME
                or trigger.getInitialValue()
            ):
                raise NotImplementedError(f"event {event.getId()}")
            found.append((float(eval(_text(tree.getChild(1)), {})), event))
        return sorted(found, key=lambda one: one[0])

    def carry_out(self, event: libsbml.Event, time: float, state: np.ndarray) -> np.ndarray:
        """Return the state after an event; constants that it changes are changed."""
        values = self._read(time, state)
        new = {
            one.getVariable(): float(eval(_text(one.getMath()), values))
            for one in event.getListOfEventAssignments()
        }
        after = state.copy()
        for id, value in new.items():
            if id in self.states:
                after[self.states.index(id)] = value * self._size(id)
            else:
                self._scope[id] = value
        return after

    def course(
        self, times: Sequence[float], ids: Sequence[str], relative: float, absolute: float
    ) -> Table:
        """Return id -> values at `times`; where an event comes, the value after it."""
        state, position = self.start(), 0.0
        rows: dict[float, list[float]] = {}
        grid = np.asarray(times, dtype=float)
        for stop, event in [*self.events(), (math.inf, None)]:
            inside = grid[(grid >= position) & (grid < stop)]
            end = stop if event is not None else grid[-1]
            if position < end and position <= grid[-1]:
                asked = np.unique([*inside, position, end])
                found = solve_ivp(
                    self._derivatives,
                    (position, end),
                    state,
                    method="LSODA",
                    t_eval=asked,
                    rtol=relative,
                    atol=absolute * self.sizes(),
                    first_step=min(1e-6, (end - position) / 10),
                )
                if not found.success:
                    raise RuntimeError(found.message)
                for time, column in zip(asked, found.y.T, strict=True):
                    if time in inside:
                        values = self._read(time, column)
                        rows[float(time)] = [float(values[id]) for id in ids]
                state = found.y[:, -1]
            if event is None or stop > grid[-1]:
                break
            state, position = self.carry_out(event, stop, state), stop
            if stop == grid[-1]:
                values = self._read(stop, state)
                rows[float(stop)] = [float(values[id]) for id in ids]
        table = np.array([rows[float(time)] for time in grid])
        return {id: table[:, place] for place, id in enumerate(ids)}


def _names(tree: libsbml.ASTNode) -> set[str]:
    own = {tree.getName()} if tree.getType() == libsbml.AST_NAME else set()
    return own.union(*(_names(tree.getChild(k)) for k in range(tree.getNumChildren())))


def _text(tree: libsbml.ASTNode) -> str:
    """Return an expression in Python."""
    kind = tree.getType()
    parts = [_text(tree.getChild(index)) for index in range(tree.getNumChildren())]
    if tree.isNumber():
        return f"({tree.getValue()!r})"
    if kind == libsbml.AST_NAME:
        return str(tree.getName())
    if kind == libsbml.AST_NAME_TIME:
        return _TIME
    if kind == libsbml.AST_MINUS:
        return f"(-{parts[0]})" if len(parts) == 1 else f"({parts[0]}-{parts[1]})"
    if kind in _SIGNS:
        empty = {libsbml.AST_PLUS: "0.0", libsbml.AST_TIMES: "1.0"}
        return f"({_SIGNS[kind].join(parts)})" if parts else empty[kind]
    return _function(tree, kind, parts)


def _function(tree: libsbml.ASTNode, kind: int, parts: Sequence[str]) -> str:
    if kind in _FUNCTIONS:
        return f"{_FUNCTIONS[kind]}({', '.join(parts)})"
    if kind == libsbml.AST_FUNCTION_ROOT:
        return f"({parts[1]}**(1/{parts[0]}))"
    if kind == libsbml.AST_FUNCTION_LOG:
        return f"(log({parts[1]})/log({parts[0]}))"
    if kind == libsbml.AST_FUNCTION_PIECEWISE:
        chosen = parts[-1] if len(parts) % 2 else "0.0"
        for value, condition in reversed(list(zip(parts[0::2], parts[1::2], strict=False))):
            chosen = f"({value} if {condition} else {chosen})"
        return chosen
    raise NotImplementedError(libsbml.formulaToL3String(tree))


def scipy_course(
    sbml: str, times: Sequence[float], ids: Sequence[str], relative: float, absolute: float
) -> Table:
    """Return id -> values over time by SciPy's LSODA; `absolute` is a concentration."""
    return Equations(sbml).course(times, ids, relative, absolute)


def copasi_course(
    sbml: str, times: Sequence[float], ids: Sequence[str], relative: float, absolute: float
) -> Table:
    """Return id -> values over time by COPASI's LSODA; `absolute` is a concentration."""
    before = locale.setlocale(locale.LC_ALL)
    import basico

    locale.setlocale(locale.LC_ALL, before)  # COPASI sets that of the whole process to C

    model = basico.load_model_from_string(sbml)
    try:
        table = basico.run_time_course(
            values=[float(time) for time in times],
            method="deterministic",
            r_tol=relative,
            a_tol=absolute,
            max_steps=1_000_000,
            use_sbml_id=True,
            use_numbers=False,
            model=model,
        )
    finally:
        basico.remove_datamodel(model)
    constants = _constants(sbml)  # COPASI leaves out what nothing moves
    return {
        id: table[id].to_numpy() if id in table else np.full(len(table), constants[id])
        for id in ids
    }


def _constants(sbml: str) -> dict[str, float]:
    document = read_sbml(sbml)
    model = document.getModel()
    found = {one.getId(): one.getInitialConcentration() for one in model.getListOfSpecies()}
    return found | {one.getId(): one.getValue() for one in model.getListOfParameters()}


def tellurium_course(archive: bytes, ids: Sequence[str]) -> Table:
    """Return ``time`` and id -> values, as Tellurium computes a COMBINE archive of ours."""
    import matplotlib as mpl

    mpl.use("Agg")
    from tellurium.sedml import tesedml

    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = Path(folder) / "a.omex"
        path.write_bytes(archive)
        (found,) = tesedml.executeCombineArchive(
            str(path), workingDir=folder, createOutputs=False
        ).values()
    data = found["dataGenerators"]
    return {id: np.ravel(data["time" if id == "time" else f"data_{id}"]) for id in ("time", *ids)}
