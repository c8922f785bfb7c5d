"""Makes a foreign model look to the drug layer as mtorsim's own network does.

What a map names is checked and given the parts that the layer expects: FKBP12 and FKBP51, a medium,
activities as variables that a drug can lower, sums over all states of a form. Numbers of drugs are
brought to the model's units, so that all that is added is reactions and rules of the same model.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import libsbml

from mtorsim.drug_layer import attach, describe
from mtorsim.drugs import Drug
from mtorsim.errors import ModelError, closest, either
from mtorsim.facts import Fact, FrozenMapping
from mtorsim.foreign.features import with_maths
from mtorsim.foreign.maps import SITES, Catalysis, DrugMap
from mtorsim.foreign.sharing import check_shares
from mtorsim.foreign.turnover import check_turnover
from mtorsim.ids import sid
from mtorsim.library import read_sbml
from mtorsim.roles import READOUTS, Activity, Roles
from mtorsim.symbols import Symbol, symbols

MEDIUM = "culture_medium"
KD_RATIO = "Kd_ratio_mTORC1_to_MTOR"
MOST = 20_000.0
"""More mTORC1 than that no cell has [nM]."""
_IN_WORDS = {
    "FKBP12": "FKBP12",
    "FKBP51": "FKBP51",
    "FKBP12_drug": "FKBP12 with a drug bound (all drugs, docked or not)",
    "drug_medium": "drug in the medium (all drugs)",
    "mTORC1_FRB_occupied": "mTORC1 with FKBP12-drug on its FRB domain (all drugs)",
    "mTORC1_kinase_occupied": "mTORC1 with a drug in its kinase site",
    "mTORC2_kinase_occupied": "mTORC2 with a drug in its kinase site",
}


@dataclass(frozen=True)
class Scale:
    """What the units of a foreign model are worth: nM of its concentration, minutes of its time."""

    nanomolar: float
    minutes: float

    def of(self, fact: Fact) -> Fact:
        """Return a constant of a drug as a number in the model's units; its notes say the other."""
        worth = {
            "nM": 1 / self.nanomolar,
            "1/min": self.minutes,
            "1/(nM*min)": self.nanomolar * self.minutes,
            "min": 1 / self.minutes,
            "1": 1.0,
        }[fact.unit]
        said = f"{fact.value:g} {fact.unit}, in the units of this model"
        notes = "; ".join(part for part in (said, fact.notes) if part and fact.unit != "1")
        return replace(fact, value=fact.value * worth, notes=notes or fact.notes)


def with_drugs(sbml: str, found: DrugMap, drugs: Iterable[Drug], scale: Scale) -> str:
    """Return a foreign model with the reactions of drugs in it, as SBML Level 3 Version 2.

    Parameters
    ----------
    sbml : str
        Flat SBML of any level.
    found : DrugMap
    drugs : iterable of Drug
        At least one.
    scale : Scale

    Raises
    ------
    ModelError
        Where the map and the model do not fit; names the line of the map.
    """
    adapted, roles = _adapted(sbml, found, scale)
    scaled = [
        replace(drug, values=FrozenMapping({k: scale.of(v) for k, v in drug.values.items()}))
        for drug in drugs
    ]
    done = attach(adapted, roles, scaled, is_foreign=True)
    if found.mTORC2_loss is not None:
        done = _with_loss(done, found, scaled, scale)
    _check_ids(done, found)
    return done


def _check_ids(sbml: str, found: DrugMap) -> None:
    """Refuse a model that has an id which the drug layer gave to something else."""
    model = read_sbml(sbml).getModel()
    lists = (model.getListOfSpecies(), model.getListOfParameters(), model.getListOfReactions(),
             model.getListOfCompartments(), model.getListOfEvents())  # fmt: skip
    seen: set[str] = set()
    for one in (one for items in lists for one in items if one.isSetId()):
        if one.getId() in seen:
            raise _taken(found, one.getId())
        seen.add(one.getId())


def level_3(sbml: str, what: str) -> libsbml.SBMLDocument:
    """Return a model as Level 3 Version 2, without local parameters and function definitions."""
    document = read_sbml(sbml, what=what)
    for option in ("promoteLocalParameters", "expandFunctionDefinitions"):
        properties = libsbml.ConversionProperties()
        properties.addOption(option, True)
        if document.convert(properties) != libsbml.LIBSBML_OPERATION_SUCCESS:
            raise ModelError(f"{what}: libSBML cannot carry out {option} on this model.")
    if (document.getLevel(), document.getVersion()) != (3, 2):
        is_done = document.setLevelAndVersion(3, 2, False)
        if not is_done or document.getNumErrors(libsbml.LIBSBML_SEV_ERROR):
            raise ModelError(f"{what}: libSBML cannot turn it into Level 3, which drugs need.")
    return document


def _adapted(sbml: str, found: DrugMap, scale: Scale) -> tuple[str, Roles]:
    document = level_3(sbml, "the model")
    model = document.getModel()
    _check_map(model, found)
    check_turnover(model, found)
    for form in found.forms:
        _as_concentration(model, form)
    _check_events(model, found)
    everywhere = _count_states(model, found)
    activity = _write_activities(model, found)
    for native in model.getListOfReactions():
        check_shares(native, found, everywhere)
    _check_amount(model, found, scale)
    cell = model.getSpecies(found.mTORC1[0]).getCompartment()
    _add_parts(model, found, scale, cell)
    roles = Roles(
        cell=cell,
        medium=MEDIUM,
        FKBP12="FKBP12",
        FKBP51="FKBP51",
        free_mTOR=found.free_mTOR,
        mTORC1=found.mTORC1,
        mTORC2=found.mTORC2,
        bridged=found.mTORC1,
        Kd_ratio=KD_RATIO,
        assembly={reaction: _promoted(model, reaction, constant)
                  for reaction, constant in found.assembly.items()},
        activity=activity,
        totals=tuple(everywhere.values()),
        open_totals=(),
        readouts={name: name for name in READOUTS},
        whole=everywhere,
    )  # fmt: skip
    return str(libsbml.writeSBMLToString(document)), roles


# -- does the map fit -----------------------------------------------------------------------------


def _check_map(model: libsbml.Model, found: DrugMap) -> None:
    for key in ("mTORC1", "mTORC2", "free_mTOR"):
        for place, form in enumerate(getattr(found, key)):
            _check_form(model, found, form, key, place)
    for name, one in found.activity.items():
        for place, id in enumerate(one.catalyses):
            if model.getReaction(id) is None and model.getRateRuleByVariable(id) is None:
                raise found.error(
                    f"the model has no reaction {id!r}.{_hint(id, _reactions(model))}",
                    "activity", name, "catalyses", place,
                )  # fmt: skip
    for reaction, constant in found.assembly.items():
        if model.getReaction(reaction) is None:
            hint = _hint(reaction, _reactions(model))
            raise found.error(
                f"the model has no reaction {reaction!r}.{hint}", "assembly", reaction
            )
        if model.getParameter(_promoted(model, reaction, constant)) is None:
            raise found.error(
                f"neither the model nor {reaction!r} has a parameter {constant!r}.",
                "assembly", reaction,
            )  # fmt: skip


def _check_form(model: libsbml.Model, found: DrugMap, form: str, key: str, place: int) -> None:
    species = model.getSpecies(form)
    if species is None:
        ids = [one.getId() for one in model.getListOfSpecies()]
        by_name = [one.getId() for one in model.getListOfSpecies() if one.getName() == form]
        hint = f" Its id is {by_name[0]!r}." if by_name else _hint(form, ids)
        raise found.error(f"the model has no species {form!r}.{hint}", key, place)
    fault = (
        "follows from a rule" if model.getRuleByVariable(form) is not None
        else "is held constant" if species.getBoundaryCondition() or species.getConstant()
        else "has a conversion factor" if species.isSetConversionFactor() or
        model.isSetConversionFactor()
        else ""
    )  # fmt: skip
    if fault:
        raise found.error(
            f"{form!r} {fault}; drugs can only bind what reactions turn over. Write it as a "
            "species with reactions, or leave it out.", key, place,
        )  # fmt: skip
    for reaction in model.getListOfReactions():
        sides = (reaction.getListOfReactants(), reaction.getListOfProducts())
        odd = [one for side in sides for one in side
               if one.getSpecies() == form and one.getStoichiometry() != 1]  # fmt: skip
        if odd:
            raise found.error(
                f"{form!r} takes part in {reaction.getId()!r} {odd[0].getStoichiometry():g}-fold; "
                "states of such a complex cannot be told apart. Leave it out.", key, place,
            )  # fmt: skip


def _check_events(model: libsbml.Model, found: DrugMap) -> None:
    for event in model.getListOfEvents():
        set_there = {one.getVariable() for one in event.getListOfEventAssignments()}
        hit = sorted(set_there & {*found.forms})
        if hit:
            raise found.error(
                f"event {event.getId()!r} sets {hit[0]!r}, and would leave its drug-bound states "
                "as they are. Write it as a reaction.", "mTORC1",
            )  # fmt: skip


def _hint(given: str, choices: Iterable[str]) -> str:
    near = closest(given, choices)
    return f" Closest: {either(near)}." if near else ""


def _reactions(model: libsbml.Model) -> list[str]:
    return [one.getId() for one in model.getListOfReactions()]


def _promoted(model: libsbml.Model, reaction: str, constant: str) -> str:
    """Return the id of a constant: a reaction's own one now carries its name in front."""
    own = f"{reaction}_{constant}"
    return own if model.getParameter(own) is not None else constant


def _check_amount(model: libsbml.Model, found: DrugMap, scale: Scale) -> None:
    """Refuse a unit of concentration with which a cell would be full of mTORC1."""
    total = scale.nanomolar * sum(amount(model, form) for form in found.mTORC1)
    if total > MOST:
        raise found.error(
            f"with this, mTORC1 begins at {total:.3g} nM; no cell has more than {MOST:g} nM. How "
            "many nM does one unit of the model stand for?", "concentration",
        )  # fmt: skip


def amount(model: libsbml.Model, id: str) -> float:
    """Return the first concentration of a species, as far as it is written as a number."""
    species = model.getSpecies(id)
    size = model.getCompartment(species.getCompartment()).getSize()
    if species.isSetInitialConcentration():
        return float(species.getInitialConcentration())
    is_known = species.isSetInitialAmount() and size > 0
    return float(species.getInitialAmount() / size) if is_known else 0.0


# -- rewriting ------------------------------------------------------------------------------------


def _as_concentration(model: libsbml.Model, form: str) -> None:
    """Let the symbol of a species that stands for an amount stand for its concentration."""
    species = model.getSpecies(form)
    if not species.getHasOnlySubstanceUnits():
        return
    home = species.getCompartment()
    for element in with_maths(model.getSBMLDocument()):
        math = element.getMath().deepCopy()
        math.replaceArgument(form, parsed(f"{form}*{home}", model))
        if math.isName() and math.getName() == form:
            math = parsed(f"{form}*{home}", model)
        element.setMath(math)
    first = model.getInitialAssignmentBySymbol(form)
    if first is not None:
        first.setMath(parsed(f"({_text(first.getMath())})/{home}", model))
    species.setHasOnlySubstanceUnits(False)


def parsed(formula: str, model: libsbml.Model) -> libsbml.ASTNode:
    """Return a formula in which the ids of a model come first: a species PI is not the number."""
    return libsbml.parseL3FormulaWithModel(formula, model)


def inlined(model: libsbml.Model, math: libsbml.ASTNode, forms: Iterable[str]) -> libsbml.ASTNode:
    """Return a formula in which rules that depend on some species are written out."""
    forms = {*forms}
    rules = {one.getVariable(): one for one in model.getListOfRules() if one.isAssignment()}
    depends = {name for name in rules if forms & _reads(rules, rules[name].getMath())}
    made = math.deepCopy()
    while True:
        inside = _names(made) & depends
        if not inside:
            return made
        for name in inside:
            made = _replaced(made, name, rules[name].getMath())


def _reads(rules: Mapping[str, Any], math: libsbml.ASTNode) -> set[str]:
    read: set[str] = set()
    waiting = [*_names(math)]
    while waiting:
        name = waiting.pop()
        if name not in read:
            read.add(name)
            waiting += _names(rules[name].getMath()) if name in rules else []
    return read


def _replaced(math: libsbml.ASTNode, name: str, by: libsbml.ASTNode) -> libsbml.ASTNode:
    if math.isName() and math.getName() == name:
        return by.deepCopy()
    for index in range(math.getNumChildren()):
        math.replaceChild(index, _replaced(math.getChild(index).deepCopy(), name, by), True)
    return math


def _names(math: libsbml.ASTNode) -> set[str]:
    own = {math.getName()} if math.isName() else set()
    return own.union(*(_names(math.getChild(index)) for index in range(math.getNumChildren())))


def _text(math: libsbml.ASTNode) -> str:
    return str(libsbml.formulaToL3String(math))


def _count_states(model: libsbml.Model, found: DrugMap) -> dict[str, str]:
    """Write a sum over the states of each form; what only reads a form reads that from now on.

    Rates keep the form itself: rules on the way to them are written out.
    """
    driven = [(one.getId(), one.getKineticLaw()) for one in model.getListOfReactions()]
    driven += [(one.getVariable(), one) for one in model.getListOfRules() if one.isRate()]
    for _, element in driven:
        if element is not None and element.getMath() is not None:
            element.setMath(inlined(model, element.getMath(), found.forms))
    everywhere = {form: f"{form}_in_all_states" for form in found.forms}
    readers = [one for one in model.getListOfRules() if one.isAssignment()]
    for event in model.getListOfEvents():
        parts = (event.getTrigger(), event.getDelay(), event.getPriority())
        readers += [one for one in (*parts, *event.getListOfEventAssignments()) if one is not None]
    for one in readers:
        if one.getMath() is not None:
            math = one.getMath().deepCopy()
            for form, whole in everywhere.items():
                math.renameSIdRefs(form, whole)
            one.setMath(math)
    for form, whole in everywhere.items():
        species = model.getSpecies(form)
        add_rule(model, found, whole, form, f"{species.getName() or form}, with and without drugs")
    return everywhere


def _write_activities(model: libsbml.Model, found: DrugMap) -> dict[str, Activity]:
    """Put a variable in the place of each form where it catalyses; nothing may be left out."""
    activity: dict[str, Activity] = {}
    for name, one in found.activity.items():
        hit: set[str] = set()
        for form in one.forms:
            id = name if len(one.forms) == 1 else f"{name}_by_{form}"
            label = f"{model.getSpecies(form).getName() or form}: activity, {name}"
            add_rule(model, found, id, form, label)
            is_open = form not in found.mTORC2
            activity[id] = Activity((form,), f"residual_{name}" if is_open else None)
            hits = {rate for rate in one.catalyses if _activate(model, rate, form, id)}
            hit |= hits
            if not hits:
                raise found.error(
                    f"{form!r} does not stand in the rate of {either(one.catalyses)}.",
                    "activity", name, "forms", one.forms.index(form),
                )  # fmt: skip
        for place, rate in enumerate(one.catalyses):
            if rate not in hit:
                raise found.error(
                    f"none of {', '.join(one.forms)} stands in the rate of {rate!r}.",
                    "activity", name, "catalyses", place,
                )  # fmt: skip
    _check_complete(model, found)
    return activity


def _activate(model: libsbml.Model, rate: str, form: str, id: str) -> bool:
    reaction = model.getReaction(rate)
    element = model.getRateRuleByVariable(rate) if reaction is None else reaction.getKineticLaw()
    math = element.getMath().deepCopy()
    if form not in _names(math) or form in turned_over(reaction, (form,)):
        return False
    math.renameSIdRefs(form, id)
    element.setMath(math)
    return True


def turned_over(reaction: Any, forms: Iterable[str]) -> set[str]:
    """Return which species a reaction uses up or makes, those on both sides aside."""
    if reaction is None:
        return set()
    gone = {one.getSpecies() for one in reaction.getListOfReactants()}
    made = {one.getSpecies() for one in reaction.getListOfProducts()}
    return (gone ^ made) & {*forms}


def _check_complete(model: libsbml.Model, found: DrugMap) -> None:
    """Refuse a map that leaves open what a form does under drugs."""
    rates = [(one.getId(), one, one.getKineticLaw()) for one in model.getListOfReactions()]
    rates += [(one.getVariable(), None, one) for one in model.getListOfRules() if one.isRate()]
    for id, reaction, element in rates:
        if element is None or element.getMath() is None:
            continue
        left = _names(element.getMath()) & {*found.forms} - turned_over(reaction, found.forms)
        if left:
            form = min(left)
            raise found.error(
                f"{form!r} acts in the rate of {id!r}, and the map does not say as what. Add an "
                f"entry such as {form}_on_X: {{forms: [{form}], catalyses: [{id}], "
                "site: S6K1_pT389}.", "activity",
            )  # fmt: skip


# -- what the layer expects -----------------------------------------------------------------------


def _add_parts(model: libsbml.Model, found: DrugMap, scale: Scale, cell: str) -> None:
    ours = symbols()
    home = model.getCompartment(cell)
    for name, given in (("FKBP12", found.FKBP12), ("FKBP51", found.FKBP51)):
        fact = scale.of(given or _fact(ours[name]))
        species = model.createSpecies()
        _require(species.setId(_free(model, found, name)), found.path, name)
        species.setName(_IN_WORDS[name])
        species.setCompartment(cell)
        species.setInitialConcentration(fact.value)
        species.setHasOnlySubstanceUnits(False)
        species.setBoundaryCondition(False)
        species.setConstant(False)
        if model.getSpecies(found.mTORC1[0]).isSetSubstanceUnits():
            species.setSubstanceUnits(model.getSpecies(found.mTORC1[0]).getSubstanceUnits())
        describe(species, fact)
    medium = model.createCompartment()
    _require(medium.setId(_free(model, found, MEDIUM)), found.path, MEDIUM)
    ratio = (ours["medium"].value or 0.0) / (ours["cell"].value or 1.0)
    medium.setName("culture medium per cell")
    medium.setSpatialDimensions(3)
    medium.setConstant(True)
    medium.setSize(home.getSize() * ratio)
    if home.isSetUnits():
        medium.setUnits(home.getUnits())
    describe(
        medium, replace(_fact(ours["medium"]), notes=f"{ratio:g} times the cell, as in mtorsim")
    )
    add_parameter(model, found, KD_RATIO, _fact(ours[KD_RATIO]))
    for name, one in found.activity.items():
        if set(one.forms) - {*found.mTORC2}:
            add_parameter(model, found, f"residual_{name}", _residual(one, ours))
    zero = Fact(value=0.0, unit="1", source="definition", confidence="A", notes="no drug, none")
    for name in READOUTS:
        add_parameter(model, found, name, zero, _IN_WORDS[name])


def _residual(one: Catalysis, ours: Mapping[str, Symbol]) -> Fact:
    return one.residual or _fact(ours[SITES[one.site]])


def _fact(symbol: Symbol) -> Fact:
    """Return a number of mtorsim's own network with its origin."""
    source = f"as in mtorsim's own network ({symbol.branch})"
    confidence: Any = symbol.confidence or "D"
    return Fact(
        value=symbol.value or 0.0,
        unit="1" if symbol.kind == "compartment" else symbol.unit,
        source=f"{source} {symbol.source}".strip(),
        confidence=confidence,
        notes=symbol.notes,
    )


def add_parameter(
    model: libsbml.Model, found: DrugMap, id: str, fact: Fact, name: str = ""
) -> None:
    """Add a constant; `fact` is in the units of the model."""
    parameter = model.createParameter()
    _require(parameter.setId(_free(model, found, id)), found.path, id)
    parameter.setValue(fact.value)
    parameter.setConstant(True)
    if name:
        parameter.setName(name)
    describe(parameter, fact)


def add_rule(model: libsbml.Model, found: DrugMap, id: str, formula: str, name: str = "") -> None:
    """Add a variable that follows from a formula."""
    parameter = model.createParameter()
    _require(parameter.setId(_free(model, found, id)), found.path, id)
    parameter.setConstant(False)
    if name:
        parameter.setName(name)
    rule = model.createAssignmentRule()
    _require(rule.setVariable(id), found.path, id)
    rule.setMath(parsed(formula, model))


def _free(model: libsbml.Model, found: DrugMap, id: str) -> str:
    """Return an id, if the model does not use it."""
    if model.getElementBySId(id) is not None:
        raise _taken(found, id)
    return id


def _taken(found: DrugMap, id: str) -> ModelError:
    return found.error(
        f"the drug layer needs the id {id!r}, which the model uses for something else. Rename "
        "that in the model."
    )


def _with_loss(sbml: str, found: DrugMap, drugs: Iterable[Drug], scale: Scale) -> str:
    """Let mTORC2 fall apart and form again, the less the more mTOR FKBP12-drug would hold.

    Each complex exchanges with mTOR that the model does not have, at the half-life given. Of that,
    ``occupied/(1 + occupied)`` is held by FKBP12-drug and does not come back, up to a share `most`.
    """
    loss = found.mTORC2_loss
    assert loss is not None
    document = read_sbml(sbml)
    model = document.getModel()
    docking = [sid(drug.name) for drug in drugs if "Kd_FRB" in drug.values]
    if not docking:
        return sbml
    half_life = scale.of(loss.half_life)
    add_parameter(model, found, "mTORC2_half_life", half_life, "half-life of assembled mTORC2")
    add_parameter(model, found, "mTORC2_loss_most", loss.most, "most of mTORC2 that is lost")
    held = " + ".join(f"FKBP12_{drug}/Kd_FRB_FKBP12_{drug}" for drug in docking)
    add_rule(model, found, "mTORC2_held_back", f"mTORC2_loss_most*({held})/(1 + {held})",
             "share of the mTOR for mTORC2 that FKBP12-drug holds")  # fmt: skip
    for form in found.mTORC2:
        _exchange(model, found, form)
    return str(libsbml.writeSBMLToString(document))


def _exchange(model: libsbml.Model, found: DrugMap, form: str) -> None:
    native = model.getSpecies(form)
    apart = native.clone()
    id = _free(model, found, f"{form}_disassembled")
    apart.setId(id)
    apart.unsetMetaId()
    apart.unsetAnnotation()
    apart.unsetNotes()
    apart.setName(f"{native.getName() or form}, disassembled")
    apart.setInitialConcentration(0.0)
    model.addSpecies(apart)
    home = native.getCompartment()
    for verb, before, after, share in (
        ("disassemble", form, id, "mTORC2_held_back"),
        ("reassemble", id, form, "(1 - mTORC2_held_back)"),
    ):
        reaction = model.createReaction()
        reaction.setId(_free(model, found, f"{verb}_{form}"))
        reaction.setReversible(False)
        reaction.addReactant(model.getSpecies(before), 1.0)
        reaction.addProduct(model.getSpecies(after), 1.0)
        law = f"{home}*ln(2)/mTORC2_half_life*{share}*{before}"
        reaction.createKineticLaw().setMath(parsed(law, model))


def _require(status: int, what: str, id: str) -> None:
    if status != libsbml.LIBSBML_OPERATION_SUCCESS:
        raise ModelError(f"{what}: {id!r} cannot be an id. Expected letters, digits and _.")
