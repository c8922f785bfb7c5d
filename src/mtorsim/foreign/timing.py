"""Doses written as formulas of time in somebody's model: each is given once, or refused by name.

A solver takes steps as long as it can and so steps over a pulse that is a formula, and an event at
``time == 5`` fires or not with the output times. So each edge of a formula in time becomes an event
of its own that changes nothing and at which the solver stops; ``==`` becomes ``>=``; and what
cannot be treated so is refused.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any

import libsbml
import numpy as np

from mtorsim.derived import evaluated
from mtorsim.errors import ModelError

_ORDERS = {libsbml.AST_RELATIONAL_LT: "lt", libsbml.AST_RELATIONAL_LEQ: "leq",
           libsbml.AST_RELATIONAL_GT: "gt", libsbml.AST_RELATIONAL_GEQ: "geq"}  # fmt: skip
_EQUALITIES = (libsbml.AST_RELATIONAL_EQ, libsbml.AST_RELATIONAL_NEQ)
_JUMPS = (libsbml.AST_FUNCTION_FLOOR, libsbml.AST_FUNCTION_CEILING, libsbml.AST_FUNCTION_REM,
          libsbml.AST_FUNCTION_QUOTIENT, libsbml.AST_FUNCTION_FACTORIAL)  # fmt: skip
_BENDS = (libsbml.AST_FUNCTION_MAX, libsbml.AST_FUNCTION_MIN, libsbml.AST_FUNCTION_ABS)
_SUMS = (libsbml.AST_PLUS, libsbml.AST_MINUS)
_MOST_EDGES = 400
STOP = "mtorsim_stop"
"""How the events begin, and the parameter that they set."""


@dataclass(frozen=True)
class Trouble:
    """A formula of time that would not do what it says: its element, and why."""

    element: Any
    message: str


class Timing:
    """What of a model depends on time.

    Parameters
    ----------
    document : SBMLDocument
        Left as it is; functions are written out in a copy.
    """

    def __init__(self, document: Any) -> None:
        self._given = document

    @cached_property
    def _model(self) -> Any:
        functions = self._given.getModel().getListOfFunctionDefinitions()
        if not any(_compares(one.getMath()) for one in functions if one.isSetMath()):
            return self._given.getModel()  # writing functions out takes libSBML seconds
        self._copy = self._given.clone()
        options = libsbml.ConversionProperties()
        options.addOption("expandFunctionDefinitions", True)
        self._copy.convert(options)
        return self._copy.getModel()

    @cached_property
    def _rules(self) -> Mapping[str, Any]:
        rules = self._model.getListOfRules()
        return {one.getVariable(): one.getMath() for one in rules if one.isAssignment()}

    @cached_property
    def _constants(self) -> Mapping[str, float]:
        changed = {one.getVariable() for one in self._model.getListOfRules()}
        changed |= {one.getSymbol() for one in self._model.getListOfInitialAssignments()}
        for event in self._model.getListOfEvents():
            changed |= {one.getVariable() for one in event.getListOfEventAssignments()}
        return {one.getId(): one.getValue() for one in self._model.getListOfParameters()
                if one.isSetValue() and one.getId() not in changed}  # fmt: skip

    @cached_property
    def _clocks(self) -> frozenset[str]:
        """Return what runs like time: its rate is a number."""
        rules = [one for one in self._model.getListOfRules() if one.isRate() and one.isSetMath()]
        return frozenset(
            one.getVariable() for one in rules if np.isfinite(self.value(one.getMath()))
        )

    # -- what is in a formula --------------------------------------------------------------------

    def degree(self, node: Any, seen: frozenset[str] = frozenset()) -> float:
        """Return 0 for a formula without time, 1 for one that is linear in it, else infinity."""
        kind, name = node.getType(), node.getName()
        if kind == libsbml.AST_NAME and name in self._rules and name not in seen:
            return self.degree(self._rules[name], seen | {name})
        parts = [self.degree(node.getChild(k), seen) for k in range(node.getNumChildren())]
        return self._joined(node, parts)

    def _joined(self, node: Any, parts: list[float]) -> float:
        kind = node.getType()
        if kind == libsbml.AST_NAME_TIME or (
            kind == libsbml.AST_NAME and node.getName() in self._clocks):  # fmt: skip
            return 1
        most = max(parts, default=0)
        if most == 0 or kind in _SUMS:
            return most
        if kind == libsbml.AST_TIMES or (kind == libsbml.AST_DIVIDE and parts[1] == 0):
            return sum(parts) if sum(parts) <= 1 else np.inf
        return np.inf

    def value(self, node: Any) -> float:
        """Return the value of a formula of constants, NaN for another one."""
        return evaluated(node, self._constants)

    def _comparisons(self, element: Any) -> Iterator[Any]:
        kind = element.getMath().getType()
        is_trigger = element.getTypeCode() == libsbml.SBML_TRIGGER and kind not in _ORDERS
        for node in nodes(element.getMath()):
            kind = node.getType()
            # A trigger that joins conditions on states may be true for less than a step, too.
            if (kind in _EQUALITIES and self._most(node) > 0) or (
                kind in _ORDERS and (self._most(node) > 0 or is_trigger)):  # fmt: skip
                yield node

    @property
    def is_curved(self) -> bool:
        """Whether a formula is a curve in time, along which a solver must not take long steps."""
        return self._has_time and any(self._curve(one.getMath()) > 1 for one in self._elements())

    def _curve(self, node: Any, seen: frozenset[str] = frozenset()) -> float:
        """Return the degree of a formula between its jumps."""
        kind, name = node.getType(), node.getName()
        if kind == libsbml.AST_NAME and name in self._rules and name not in seen:
            return self._curve(self._rules[name], seen | {name})
        if kind in _ORDERS or kind in _EQUALITIES or node.isLogical():
            return 0
        parts = [self._curve(node.getChild(k), seen) for k in range(node.getNumChildren())]
        if kind in _BENDS or node.isPiecewise():
            return max(parts, default=0)
        return self._joined(node, parts)

    def _most(self, node: Any) -> float:
        return max((self.degree(node.getChild(k)) for k in range(node.getNumChildren())), default=0)

    def _elements(self) -> Iterator[Any]:
        elements = self._model.getListOfAllElements()
        for index in range(elements.getSize()):
            one = elements.get(index)
            kind = one.getTypeCode()
            has_math = getattr(one, "isSetMath", bool)() and one.getMath() is not None
            if has_math and kind != libsbml.SBML_FUNCTION_DEFINITION and not _is_own(one):
                yield one

    # -- events ----------------------------------------------------------------------------------

    def instant(self, trigger: Any) -> tuple[str, float] | None:
        """Return how and with what a trigger compares time, if that is all it does."""
        math = trigger.getMath()
        kind = "eq" if math.getType() == libsbml.AST_RELATIONAL_EQ else _ORDERS.get(math.getType())
        if kind is None or math.getNumChildren() != 2:
            return None
        left, right = math.getChild(0), math.getChild(1)
        if right.getType() == libsbml.AST_NAME_TIME:
            left, right = right, left
            kind = {"lt": "gt", "leq": "geq", "gt": "lt", "geq": "leq"}.get(kind, kind)
        when = self.value(right)
        if left.getType() != libsbml.AST_NAME_TIME or not np.isfinite(when):
            return None
        return kind, when

    def _triggers(self) -> Iterator[tuple[Any, Any]]:
        for event in self._model.getListOfEvents():
            trigger = event.getTrigger()
            if trigger is not None and trigger.getMath() is not None and not _is_own(event):
                yield event, trigger

    def troubles(self) -> Iterator[Trouble]:
        """Return what cannot be made to do what it says."""
        if not self._has_time:
            return
        for element in self._elements():
            yield from self._formula_troubles(element)
        for event, trigger in self._triggers():
            yield from self._event_troubles(event, trigger)
        yield from self._doses_at_once()

    @cached_property
    def _has_time(self) -> bool:
        if self._model.getNumEvents() > 0 or self._clocks:
            return True
        every = (node for one in self._elements() for node in nodes(one.getMath()))
        return any(node.getType() == libsbml.AST_NAME_TIME for node in every)

    def _formula_troubles(self, element: Any) -> Iterator[Trouble]:
        is_alone = element.getTypeCode() == libsbml.SBML_TRIGGER and self.instant(element)
        for node in () if is_alone else self._comparisons(element):
            formula = libsbml.formulaToL3String(node)
            if node.getType() in _EQUALITIES:
                yield Trouble(element, f"{formula} holds at one instant only, which a solver steps "
                                       "over. Write an event at time >= that instant.")  # fmt: skip
            elif self._most(node) > 1:
                yield Trouble(element, f"{formula} comes and goes with time in a way that a solver "
                                       "may step over. Write each change as an event.")  # fmt: skip
        for node in nodes(element.getMath()):
            kind, inner = node.getType(), (one.getType() for one in nodes(node))
            jumps = kind in _JUMPS and self._most(node) > 0
            if jumps or (kind in _BENDS and self._most(node) > 1 and sum(
                    one in _BENDS for one in inner) > 1):  # fmt: skip
                yield Trouble(element, f"{libsbml.formulaToL3String(node)} jumps with time, or "
                                       "bends twice, which a solver may step over. Write each "
                                       "change as an event.")  # fmt: skip

    def _event_troubles(self, event: Any, trigger: Any) -> Iterator[Trouble]:
        found = self.instant(trigger)
        if found is None:
            return
        kind, when = found
        begins_true = {"eq": when == 0, "geq": when <= 0, "gt": when < 0,
                       "lt": when > 0, "leq": when >= 0}[kind]  # fmt: skip
        formula = libsbml.formulaToL3String(trigger.getMath())
        never = (begins_true and _is_true_before(trigger)) or (not begins_true and (
            kind in ("lt", "leq") or when < 0))  # fmt: skip
        if never:
            yield Trouble(event, f"{formula} never becomes true after the start, so it never "
                                 "fires. Let it begin as false (SBML initialValue, Antimony "
                                 "t0=false), or give a later time.")  # fmt: skip
        elif kind == "eq" and event.isSetDelay() and not _is_persistent(trigger):
            yield Trouble(event, f"{formula} holds at one instant only, so that its delayed event "
                                 "is called off. Write time >= that instant.")  # fmt: skip

    def _doses_at_once(self) -> Iterator[Trouble]:
        """Two events that change one symbol at one instant: the second undoes the first."""
        seen: dict[tuple[float, str], Any] = {}
        for event, trigger in self._triggers():
            found = self.instant(trigger)
            if found is None or found[0] in ("lt", "leq"):
                continue
            when = max(found[1], 0.0) + (self.value(event.getDelay().getMath())
                                         if event.isSetDelay() else 0.0)  # fmt: skip
            for one in event.getListOfEventAssignments():
                before = seen.setdefault((when, one.getVariable()), event)
                if before is not event and not (_is_ordered(before) and _is_ordered(event)):
                    yield Trouble(event, f"it changes {one.getVariable()!r} at time {when:g} as "
                                         f"event {before.getId()!r} does: one would undo the "
                                         "other. Make them one event.")  # fmt: skip

    # -- what can be mended ----------------------------------------------------------------------

    def mended(self) -> bool:
        """Write events into the document at which the solver stops; return whether it changed."""
        if not self._has_time:
            return False
        edges = {str(libsbml.formulaToL3String(one)): one for one in self._edges()}
        if len(edges) > _MOST_EDGES:
            raise ModelError(f"it compares time with more than {_MOST_EDGES // 2} things.")
        model = self._given.getModel()
        has_changed = self._settle_equalities(model)
        own = [one for one in model.getListOfEvents() if _is_own(one)]  # it was exported from here
        there = {libsbml.formulaToL3String(one.getTrigger().getMath()) for one in own}
        new = [math for formula, math in edges.items() if formula not in there]
        for number, math in enumerate(new, start=len(own) + 1):
            _write_stop(model, number, math)
        return has_changed or bool(new)

    def _edges(self) -> Iterator[Any]:
        """Return what becomes true where a comparison with time changes, in either direction."""
        for element in self._elements():
            is_alone = element.getTypeCode() == libsbml.SBML_TRIGGER and self.instant(element)
            for node in () if is_alone else self._comparisons(element):
                for place in range(node.getNumChildren() - 1):
                    for order in (libsbml.AST_RELATIONAL_GEQ, libsbml.AST_RELATIONAL_LT):
                        edge = libsbml.ASTNode(order)
                        edge.addChild(node.getChild(place).deepCopy())
                        edge.addChild(node.getChild(place + 1).deepCopy())
                        yield edge
            yield from self._bends(element)

    def _bends(self, element: Any) -> Iterator[Any]:
        """Return the same for what bends where two lines in time cross, such as ``max``."""
        for node in nodes(element.getMath()):
            if node.getType() not in _BENDS or self._most(node) != 1:
                continue
            parts = [node.getChild(k) for k in range(node.getNumChildren())]
            if node.getType() == libsbml.AST_FUNCTION_ABS:
                parts.append(libsbml.parseL3Formula("0"))
            for first, second in combinations(parts, 2):
                for order in (libsbml.AST_RELATIONAL_GEQ, libsbml.AST_RELATIONAL_LT):
                    edge = libsbml.ASTNode(order)
                    edge.addChild(first.deepCopy())
                    edge.addChild(second.deepCopy())
                    yield edge

    def _settle_equalities(self, model: Any) -> bool:
        found = False
        for event in model.getListOfEvents():
            trigger = event.getTrigger()
            if trigger is not None and trigger.getMath() is not None:
                kind = self.instant(trigger)
                if kind is not None and kind[0] == "eq":
                    math = trigger.getMath().deepCopy()
                    if math.getChild(1).getType() == libsbml.AST_NAME_TIME:
                        math.setType(libsbml.AST_RELATIONAL_LEQ)
                    else:
                        math.setType(libsbml.AST_RELATIONAL_GEQ)
                    trigger.setMath(math)
                    found = True
        return found


def _write_stop(model: Any, number: int, math: Any) -> None:
    name = f"{STOP}_{number}"
    if model.getParameter(STOP) is None:
        parameter = model.createParameter()
        parameter.setId(STOP)
        parameter.setConstant(False)
        parameter.setValue(0.0)
        parameter.setUnits("dimensionless")
    event = model.createEvent()
    event.setId(name)
    trigger = event.createTrigger()
    trigger.setMath(math)
    if model.getLevel() > 2:
        trigger.setInitialValue(True)
        trigger.setPersistent(True)
    event.setUseValuesFromTriggerTime(True)
    assignment = event.createEventAssignment()
    assignment.setVariable(STOP)
    assignment.setMath(libsbml.parseL3Formula(str(number)))


def _is_own(element: Any) -> bool:
    event = element if element.getTypeCode() == libsbml.SBML_EVENT else (
        element.getAncestorOfType(libsbml.SBML_EVENT))  # fmt: skip
    return event is not None and event.getId().startswith(f"{STOP}_") and is_stop(event)


def is_stop(event: Any) -> bool:
    """Whether an event does nothing but stop the solver, whoever wrote it."""
    changes = event.getListOfEventAssignments()
    return (
        [one.getVariable() for one in changes] == [STOP]
        and changes[0].isSetMath()
        and changes[0].getMath().isNumber()
        and not event.isSetDelay()
        and not event.isSetPriority()
    )


def _is_true_before(trigger: Any) -> bool:
    return trigger.getLevel() < 3 or not trigger.isSetInitialValue() or trigger.getInitialValue()


def _is_persistent(trigger: Any) -> bool:
    return trigger.getLevel() < 3 or not trigger.isSetPersistent() or trigger.getPersistent()


def _is_ordered(event: Any) -> bool:
    """Whether SBML says what comes first, and that it is seen by what comes next."""
    return event.getLevel() > 2 and event.isSetPriority() and not (
        event.getUseValuesFromTriggerTime())  # fmt: skip


def _compares(math: Any) -> bool:
    odd = (*_ORDERS, *_EQUALITIES, *_JUMPS, *_BENDS)
    return any(one.getType() in odd for one in nodes(math))


def nodes(node: Any) -> Iterator[Any]:
    """Return a formula and all parts of it."""
    yield node
    for index in range(node.getNumChildren()):
        yield from nodes(node.getChild(index))
