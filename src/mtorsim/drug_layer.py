"""Drugs as species and reactions: writes them into an SBML document, so that exports carry them.

The layer is told by a map (`Roles`) which species of the network are forms of mTOR, which of them
have an open FRB domain, and which sums and activities they contribute to. It enumerates the states
that a molecule can be in (allele, FRB domain, kinase site): each form gets a twin in each state
that it can be in, each reaction of it a copy for the twin, and each pair of neighbouring states the
reaction that leads from one to the other.
"""

from collections.abc import Iterable, Mapping, Sequence
from xml.sax.saxutils import escape

import libsbml

from mtorsim.drugs import CONSTANTS, Drug
from mtorsim.errors import ModelError
from mtorsim.facts import Fact
from mtorsim.ids import (
    fraction_parameter,
    interstitium_species,
    medium_species,
    sid,
    wash_parameter,
)
from mtorsim.library import read_sbml
from mtorsim.occupancy import State, states
from mtorsim.perturbation import Mutant
from mtorsim.roles import READOUTS, Activity, Roles
from mtorsim.symbols import Symbol, symbols

CELLS = "cells_in_tumour"
"""Parameter: how many cells share the interstitium of a tumour."""

DIRECT = "mTOR_kinase_open"
"""Parameter: share of kinase sites that no rapalog holds directly, without FKBP12."""

_UNIT_IDS = {
    "nM": "nM",
    "1/min": "per_min",
    "1/(nM*min)": "per_nM_per_min",
    "nM/min": "nM_per_min",
    "1": "dimensionless",
}
_CHEMICAL, _COMPLEX = "SBO:0000247", "SBO:0000297"
_BINDING, _PASSIVE_TRANSPORT, _DEGRADATION = "SBO:0000177", "SBO:0000658", "SBO:0000179"
_TRANSLOCATION = "SBO:0000185"
_ONE = "1 dimensionless"
_IN_MEDIUM = ("funbound_medium", "kdecay_medium")  # constants that a body replaces by its own


def attach(
    sbml: str,
    roles: Roles,
    drugs: Sequence[Drug],
    mutants: Sequence[Mutant] = (),
    infused: Sequence[str] = (),
    *,
    is_foreign: bool = False,
) -> str:
    """Return the model with the reactions of `drugs` and `mutants` of mTOR written into it.

    Parameters
    ----------
    sbml : str
        The network, SBML Level 3 with nM, min and litre as in cell.ant.
    roles : Roles
        Which of its parts the drugs act on.
    drugs : sequence of Drug
        Any number, each once. All start at zero amount.
    mutants : sequence of Mutant
        Any number, each once. Their share of the mTOR that is made is zero by default.
    infused : sequence of str
        Drugs that reach the cell through a body, which `sbml` then has, instead of a medium.
    is_foreign : bool
        The model counts in units of its own: constants are numbers in those, without unit ids.

    Raises
    ------
    ModelError
        When `roles` names a part that the network lacks.
    """
    if not drugs and not mutants:
        return sbml
    document = read_sbml(sbml, what="the network")
    layer = _Layer(document.getModel(), symbols(sbml), roles, drugs, mutants, infused)
    layer.has_units = not is_foreign
    layer.write()
    return str(libsbml.writeSBMLToString(document))


class _Layer:
    """The model under construction and the sums collected on the way."""

    def __init__(
        self,
        model: libsbml.Model,
        table: Mapping[str, Symbol],
        roles: Roles,
        drugs: Sequence[Drug],
        mutants: Sequence[Mutant],
        infused: Sequence[str],
    ) -> None:
        self.model, self.table, self.roles = model, table, roles
        self.drugs, self.mutants, self.infused = drugs, mutants, infused
        self.native = [model.getReaction(i).clone() for i in range(model.getNumReactions())]
        self.sums: dict[str, list[str]] = {name: [] for name in roles.readouts.values()}
        self.extra: dict[str, list[str]] = {}
        self.has_units = True
        self._check()

    def write(self) -> None:
        for mutant in self.mutants:
            self._add_mutant(mutant)
        if self.infused:
            self._count_cells()
        for drug in self.drugs:
            self._add_drug(drug)
        every = states(self._with("Kd_FRB"), self._with("kon_kinase"), self._mutant_names())
        self.states = every
        for state in every[1:]:
            self._add_twins(state)
        for state in every:
            self._bind_to(state)
        for state in every[1:]:
            for reaction in self.native:
                self._copy(reaction, state)
            self._collect(state)
        self._let_compete()
        self._share_synthesis()
        self._write_sums()
        for drug in self.drugs:
            if drug.name in self.infused:
                self._weigh_tumour(drug)

    def _with(self, constant: str) -> list[str]:
        return [drug.name for drug in self.drugs if constant in CONSTANTS[drug.mechanism]]

    def _mutant_names(self) -> list[str]:
        return [mutant.name for mutant in self.mutants]

    # -- what one drug or mutant adds --------------------------------------------------------

    def _add_mutant(self, mutant: Mutant) -> None:
        share = Fact(value=0.0, unit="1", source="definition", confidence="A",
                     notes="share of new mTOR; set by the perturbation")  # fmt: skip
        self._parameter(fraction_parameter(mutant.name), share)
        for name, fact in mutant.values.items():
            self._parameter(f"{name}_{mutant.name}", fact)

    def _add_drug(self, drug: Drug) -> None:
        is_infused = drug.name in self.infused
        for name, fact in drug.values.items():
            if not (is_infused and name in _IN_MEDIUM):
                self._parameter(_constant(name, drug), fact)
        if is_infused:
            self._enter_from_interstitium(drug)
        else:
            self._enter_from_medium(drug)
        if "kon_FKBP12" in drug.values:
            bound = self._bind(drug, self.roles.FKBP12, "FKBP12")
            self._bind(drug, self.roles.FKBP51, "FKBP51")
            self.sums[self.roles.readouts["FKBP12_drug"]].append(bound)

    def _add_inside(self, drug: Drug) -> None:
        inside = f"{drug.name}, free in the cell"
        self._species(sid(drug.name), self.roles.cell, inside, _CHEMICAL, drug.identifiers)

    def _enter_from_medium(self, drug: Drug) -> None:
        roles, name, outside = self.roles, sid(drug.name), medium_species(drug.name)
        wash = Fact(value=0.0, unit="1/min", source="definition", confidence="A",
                    notes="set while the medium is being washed")  # fmt: skip
        self._parameter(wash_parameter(drug.name), wash)
        self._species(
            outside, roles.medium, f"{drug.name} in the medium", _CHEMICAL, drug.identifiers
        )
        self._add_inside(drug)
        self.sums[roles.readouts["drug_medium"]].append(outside)
        self._reaction(
            f"permeate_{name}", _PASSIVE_TRANSPORT, [outside], [name],
            f"{roles.cell}*kpermeation_{name}*(funbound_medium_{name}*{outside} - {name})",
            reversible=True,
        )  # fmt: skip
        for verb, rate, term in (
            ("decay", f"kdecay_medium_{name}", _DEGRADATION),
            ("wash", wash_parameter(drug.name), _TRANSLOCATION),
        ):
            self._reaction(
                f"{verb}_{outside}", term, [outside], [], f"{roles.medium}*{rate}*{outside}"
            )

    def _enter_from_interstitium(self, drug: Drug) -> None:
        """Write uptake by one cell, and the same loss to the tumour times the number of its cells.

        Two reactions, since a mole for the tumour is not a mole for the cell that stands for all.
        """
        name, outside = sid(drug.name), interstitium_species(drug.name)
        law = f"{self.roles.cell}*kpermeation_{name}*({outside} - {name})"
        self._add_inside(drug)
        self.sums[self.roles.readouts["drug_medium"]].append(outside)
        self._reaction(f"permeate_{name}", _PASSIVE_TRANSPORT, [], [name], law, reversible=True)
        self._reaction(
            f"permeate_{name}_into_all_cells", _PASSIVE_TRANSPORT, [outside], [],
            f"{CELLS}*{law}", reversible=True,
        )  # fmt: skip

    def _count_cells(self) -> None:
        parameter = self.model.createParameter()
        _require(parameter.setId(CELLS), CELLS)
        parameter.setMetaId(f"meta_{CELLS}")
        parameter.setName("cells in the tumour, all like this one")
        parameter.setUnits("dimensionless")
        self._rule(parameter, f"cell_volume_per_mass*tumour_mass/{self.roles.cell}")

    def _weigh_tumour(self, drug: Drug) -> None:
        """Add the read-out that a piece of tumour would give: cells, interstitium and blood."""
        name = sid(drug.name)
        inside = " + ".join(sorted(self._holding(name)))
        parameter = self.model.createParameter()
        _require(parameter.setId(f"{name}_tumour"), name)
        parameter.setMetaId(f"meta_{name}_tumour")
        parameter.setName(f"{drug.name} in tumour tissue, in all its forms")
        parameter.setUnits("nM")
        parts = "interstitium_per_mass + cell_volume_per_mass + blood_per_tumour_mass"
        tissue = (
            f"interstitium_per_mass*{interstitium_species(drug.name)} "
            f"+ cell_volume_per_mass*({inside})"
        )
        if self.model.getParameter(f"{name}_blood") is not None:
            tissue += f" + blood_per_tumour_mass*{name}_blood"
        self._rule(parameter, f"({tissue})/({parts})")

    def _holding(self, name: str) -> set[str]:
        """Return the species of the cell that hold a drug."""
        held = {name, *(f"{label}_{name}" for label in ("FKBP12", "FKBP51"))}
        for state in self.states:
            if name in (sid(state.FRB), sid(state.kinase)):
                held |= {form + state.suffix for form in self._forms(state)}
        return {id for id in held if self.model.getSpecies(id) is not None}

    def _bind(self, drug: Drug, protein: str, label: str) -> str:
        name, bound = sid(drug.name), f"{label}_{sid(drug.name)}"
        self._species(
            bound, self.roles.cell, f"{label} with {drug.name}", _COMPLEX,
            (*self.table[protein].identifiers, *drug.identifiers),
        )  # fmt: skip
        self._reaction(
            f"bind_{bound}", _BINDING, [protein, name], [bound],
            f"{self.roles.cell}*(kon_{bound}*{protein}*{name} - koff_{bound}*{bound})",
            reversible=True,
        )  # fmt: skip
        return bound

    # -- states of mTOR ----------------------------------------------------------------------

    def _forms(self, state: State) -> tuple[str, ...]:
        """Return the forms that can be in a state.

        Where FKBP12-drug sits, rictor does not; and not every form can be bridged.
        """
        if state.is_bridged:
            return self.roles.bridged
        return self.roles.open_forms if state.FRB else self.roles.forms

    def _add_twins(self, state: State) -> None:
        held = {state.FRB, state.kinase}
        identifiers = [i for drug in self.drugs if drug.name in held for i in drug.identifiers]
        for form in self._forms(state):
            native = self.table[form]
            label = f"{native.name or form}; {state.in_words()}"
            links = (*native.identifiers, *identifiers)
            self._species(form + state.suffix, self._home(form), label, _COMPLEX, links)

    def _bind_to(self, state: State) -> None:
        """Write the last step into a state: docking, filling the kinase site, or bridging."""
        for form in self._forms(state):
            twin = form + state.suffix
            if state.is_bridged:
                self._bridge(form, twin, state)
                continue
            if state.FRB:
                before = form + State(state.mutant, "", state.kinase).suffix
                bound = f"FKBP12_{sid(state.FRB)}"
                Kd = self._docking_constant(form, state)
                law = f"kon_FRB_{bound}*({before}*{bound} - {Kd}*{twin})"
                self._equilibrium(form, f"dock_{twin}", [before, bound], twin, law)
            if state.kinase:
                before = form + State(state.mutant, state.FRB).suffix
                drug = sid(state.kinase)
                Kd = self._kinase_constant(form, drug)
                law = f"kon_kinase_{drug}*({self._open(before)}*{drug} - {Kd}*{twin})"
                self._equilibrium(form, f"bind_kinase_{twin}", [before, drug], twin, law)

    def _bridge(self, form: str, twin: str, state: State) -> None:
        before, drug = form + State(state.mutant, state.FRB).suffix, sid(state.FRB)
        Kd = f"{self._kinase_constant(form, drug)}/effective_molarity_{drug}"
        law = f"kbridge_{drug}*({self._open(before)} - {Kd}*{twin})"
        self._equilibrium(form, f"bridge_{twin}", [before], twin, law)

    def _home(self, form: str) -> str:
        """Return the compartment of a form."""
        return str(self.model.getSpecies(form).getCompartment())

    def _equilibrium(
        self, form: str, id: str, reactants: Sequence[str], twin: str, law: str
    ) -> None:
        law = f"{self._home(form)}*{law}"
        self._reaction(id, _BINDING, reactants, [twin], law, reversible=True)

    def _open(self, form: str) -> str:
        """Return how much of a form has a kinase site that no rapalog holds directly."""
        return f"{form}*{DIRECT}" if self._with("Kd_kinase") else form

    def _docking_constant(self, form: str, state: State) -> str:
        factors = [self.roles.Kd_ratio] if form in self.roles.mTORC1 else []
        factors += [f"Kd_FRB_ratio_{state.mutant}"] if state.mutant else []
        return "*".join([*factors, f"Kd_FRB_FKBP12_{sid(state.FRB)}"])

    def _kinase_constant(self, form: str, drug: str) -> str:
        return f"Kd_kinase_{'mTORC2' if form in self.roles.mTORC2 else 'mTORC1'}_{drug}"

    def _copy(self, reaction: libsbml.Reaction, state: State) -> None:
        """Copy a reaction for the twins, in one state, of the forms that it turns over."""
        gone, made = self._turned_over(reaction)
        twins = {form: form + state.suffix for form in self._forms(state)}
        if not (gone or made) or not {*gone, *made} <= {*twins}:
            return
        law = reaction.getKineticLaw().getMath().deepCopy()
        if not gone:  # what is made is not occupied, but may be a mutant
            if state != State(state.mutant):
                return
            law = _formula(f"({libsbml.formulaToL3String(law)})*{fraction_parameter(state.mutant)}")
        self._keep_balance(reaction.getId(), law, gone, made, state)
        renamed = {form: twins[form] for form in (*gone, *made)}
        law = self._split(law, renamed)
        for old, new in renamed.items():
            law.renameSIdRefs(old, new)
        freed = [] if made else self._held(state) * len(gone)
        sides = [
            [(renamed.get(id, id), count) for id, count in side] for side in _counted(reaction)
        ]
        self._reaction(
            f"{reaction.getId()}{state.suffix}", reaction.getSBOTermID(),
            sides[0], [*sides[1], *((id, 1.0) for id in freed)],
            libsbml.formulaToL3String(law), reversible=reaction.getReversible(),
        )  # fmt: skip

    def _turned_over(self, reaction: libsbml.Reaction) -> tuple[list[str], list[str]]:
        """Return the forms that a reaction uses up and makes; a catalyst on both sides is none."""
        gone, made = _participants(reaction)
        both = [one for one in gone if one in made]
        forms = [one for one in self.roles.forms if one not in both]
        return [one for one in gone if one in forms], [one for one in made if one in forms]

    def _split(self, law: libsbml.ASTNode, forms: Iterable[str]) -> libsbml.ASTNode:
        """Return a rate in which all states of a form compete where it saturates.

        Only forms that `Roles.whole` names; the rates of all states then add up to that of the
        form as it was.
        """
        for form in forms:
            if form in self.roles.whole:
                law = saturating(law, form, self.roles.whole[form])
        return law

    def _let_compete(self) -> None:
        """Let the native forms compete with their twins where a rate saturates."""
        for native in self.native:
            gone, made = self._turned_over(native)
            law = self.model.getReaction(native.getId()).getKineticLaw()
            if law is not None and (gone or made):
                law.setMath(self._split(law.getMath().deepCopy(), (*gone, *made)))

    def _keep_balance(
        self,
        reaction: str,
        law: libsbml.ASTNode,
        gone: Sequence[str],
        made: Sequence[str],
        state: State,
    ) -> None:
        """Weaken a complex by what the drug loses in affinity when its partner joins."""
        if reaction not in self.roles.assembly:
            return
        loosened, drug = self.roles.assembly[reaction], sid(state.kinase)
        if loosened not in _symbols(law):
            raise ModelError(f"the drug map: {reaction} does not depend on {loosened}.")
        turned = {*gone, *made}
        if state.FRB and turned & {*self.roles.mTORC1}:
            _multiply(law, loosened, self.roles.Kd_ratio)
        if state.kinase and turned & {*self.roles.mTORC2}:
            ratio = f"Kd_kinase_mTORC2_{drug}/Kd_kinase_mTORC1_{drug}"
            _multiply(law, loosened, ratio)

    def _held(self, state: State) -> list[str]:
        """Return what a degraded molecule of mTOR lets go of."""
        docked = [f"FKBP12_{sid(state.FRB)}"] if state.FRB else []
        inside = [sid(state.kinase)] if state.kinase and not state.is_bridged else []
        return docked + inside

    def _share_synthesis(self) -> None:
        """Leave to the wild type what the mutants do not take of the mTOR that is made."""
        if not self.mutants:
            return
        shares = [fraction_parameter(name) for name in self._mutant_names()]
        for native in self.native:
            reactants, products = _participants(native)
            if {*products} & {*self.roles.forms} and not {*reactants} & {*self.roles.forms}:
                law = libsbml.formulaToL3String(native.getKineticLaw().getMath())
                left = f"({law})*({_ONE} - {' - '.join(shares)})"
                self.model.getReaction(native.getId()).getKineticLaw().setMath(_formula(left))

    # -- sums --------------------------------------------------------------------------------

    def _collect(self, state: State) -> None:
        roles = self.roles
        twins = {form: form + state.suffix for form in self._forms(state)}
        inside = {
            "mTORC1": [twins[form] for form in roles.mTORC1 if form in twins],
            "mTORC2": [twins[form] for form in roles.mTORC2 if form in twins],
        }
        if state.FRB:
            self.sums[roles.readouts["FKBP12_drug"]] += twins.values()
            self.sums[roles.readouts["mTORC1_FRB_occupied"]] += inside["mTORC1"]
        if state.kinase:
            for assembled, found in inside.items():
                self.sums[roles.readouts[f"{assembled}_kinase_occupied"]] += found
        counting = roles.totals if state.FRB else roles.totals + roles.open_totals
        for variable in counting:
            counted = _symbols(self.model.getAssignmentRuleByVariable(variable).getMath())
            self._extend(variable, [twins[form] for form in twins if form in counted])
        for variable, activity in roles.activity.items():
            weights = self._weights(activity, state)
            if weights is not None:
                active = [twins[form] for form in activity.forms if form in twins]
                self._extend(variable, ["*".join([*weights, twin]) for twin in active])

    def _weights(self, activity: Activity, state: State) -> list[str] | None:
        """Return the factors of a twin's activity; None for none at all."""
        if state.kinase or (state.FRB and activity.residual is None):
            return None
        residual = [activity.residual] if state.FRB and activity.residual else []
        return residual + ([f"kinase_activity_{state.mutant}"] if state.mutant else [])

    def _extend(self, variable: str, terms: Sequence[str]) -> None:
        self.extra.setdefault(variable, []).extend(terms)

    def _write_sums(self) -> None:
        for variable, terms in self.sums.items():
            if terms:
                self._rule(self.model.getParameter(variable), " + ".join(terms))
        for variable, terms in self.extra.items():
            rule = self.model.getAssignmentRuleByVariable(variable)
            old = libsbml.formulaToL3String(rule.getMath())
            rule.setMath(_formula(" + ".join([old, *terms])))
        self._block_directly()

    def _block_directly(self) -> None:
        """Let the free rapalog itself hold kinase sites, at micromolar, in rapid equilibrium.

        Other drugs compete with it for the site (`_open`). Nothing is taken from the drug:
        micromolar drug meets tens of nanomolar mTOR.
        """
        direct = [sid(name) for name in self._with("Kd_kinase")]
        if not direct:
            return
        held = " + ".join(f"{drug}/Kd_kinase_{drug}" for drug in direct)
        parameter = self.model.createParameter()
        _require(parameter.setId(DIRECT), DIRECT)
        parameter.setMetaId(f"meta_{DIRECT}")
        parameter.setName("share of mTOR kinase sites that no rapalog holds without FKBP12")
        parameter.setUnits("dimensionless")
        self._rule(parameter, f"{_ONE}/({_ONE} + {held})")
        for variable in self.roles.activity:
            rule = self.model.getAssignmentRuleByVariable(variable)
            rule.setMath(_formula(f"({libsbml.formulaToL3String(rule.getMath())})*{DIRECT}"))

    def _rule(self, parameter: libsbml.Parameter, formula: str) -> None:
        parameter.setConstant(False)
        parameter.unsetValue()
        parameter.unsetNotes()
        rule = self.model.createAssignmentRule()
        _require(rule.setVariable(parameter.getId()), parameter.getId())
        rule.setMath(_formula(formula))

    # -- libSBML -----------------------------------------------------------------------------

    def _species(
        self, id: str, compartment: str, name: str, term: str, identifiers: Iterable[str]
    ) -> None:
        species = self.model.createSpecies()
        _require(species.setId(id), id)
        species.setMetaId(f"meta_{id}")
        species.setName(name)
        species.setCompartment(compartment)
        species.setInitialConcentration(0.0)
        species.setHasOnlySubstanceUnits(False)
        species.setBoundaryCondition(False)
        species.setConstant(False)
        species.setSBOTerm(term)
        relation = libsbml.BQB_IS if term == _CHEMICAL else libsbml.BQB_HAS_PART
        annotate(species, libsbml.BIOLOGICAL_QUALIFIER, relation, identifiers)

    def _parameter(self, id: str, fact: Fact) -> None:
        parameter = self.model.createParameter()
        _require(parameter.setId(id), id)
        parameter.setMetaId(f"meta_{id}")
        parameter.setValue(fact.value)
        if self.has_units:
            parameter.setUnits(_UNIT_IDS[fact.unit])
        parameter.setConstant(True)
        describe(parameter, fact)

    def _reaction(
        self,
        id: str,
        term: str,
        reactants: Sequence[str | tuple[str, float]],
        products: Sequence[str | tuple[str, float]],
        law: str,
        *,
        reversible: bool = False,
    ) -> None:
        reaction = self.model.createReaction()
        _require(reaction.setId(id), id)
        reaction.setReversible(reversible)
        if term:
            reaction.setSBOTerm(term)
        taking_part = set()
        for side, add in ((reactants, reaction.addReactant), (products, reaction.addProduct)):
            for one in side:
                species, count = (one, 1.0) if isinstance(one, str) else one
                add(self.model.getSpecies(species), count)
                taking_part.add(species)
        math = _formula(law)
        for species in sorted(_symbols(math) - taking_part):
            if self.model.getSpecies(species) is not None:
                reaction.addModifier(self.model.getSpecies(species))
        reaction.createKineticLaw().setMath(math)

    def _check(self) -> None:
        roles, model = self.roles, self.model
        residuals = [one.residual for one in roles.activity.values() if one.residual]
        named = (
            (model.getCompartment, (roles.cell, roles.medium)),
            (model.getSpecies, (roles.FKBP12, roles.FKBP51, *roles.forms)),
            (model.getParameter, (roles.Kd_ratio, *residuals, *roles.readouts.values())),
            (model.getParameter, tuple(roles.assembly.values())),
            (model.getReaction, tuple(roles.assembly)),
            (
                model.getAssignmentRuleByVariable,
                (*roles.totals, *roles.open_totals, *roles.activity),
            ),
        )
        missing = [id for find, ids in named for id in ids if find(id) is None]
        if missing:
            raise ModelError(f"the drug map names {', '.join(missing)}, which the model lacks.")
        active = {form for activity in roles.activity.values() for form in activity.forms}
        for key, named_there, known in (
            ("activity", active, roles.forms),
            ("bridged", {*roles.bridged}, roles.open_forms),
        ):
            if named_there - {*known}:
                raise ModelError(
                    f"the drug map names {', '.join(sorted(named_there - {*known}))} under "
                    f"{key!r}, but not under 'free_mTOR', 'mTORC1' or 'mTORC2'."
                )
        missing = sorted({*READOUTS} ^ {*roles.readouts})
        if missing:
            raise ModelError(f"the drug map: 'readouts' needs exactly {', '.join(READOUTS)}.")


def describe(element: libsbml.SBase, fact: Fact) -> None:
    """Write a fact's source and confidence onto an SBML element, as the model files do."""
    element.unsetNotes()
    parts = [f"confidence={fact.confidence}", fact.source, fact.notes]
    if fact.plausible:
        parts.append(f"plausible {fact.plausible}")
    text = "; ".join(part for part in parts if part)
    xml = libsbml.XMLNode.convertStringToXMLNode(
        f'<body xmlns="http://www.w3.org/1999/xhtml"><p>{escape(text)}</p></body>'
    )
    element.setNotes(xml)
    links = [word.rstrip(",.;)") for word in fact.source.split() if word.startswith("https://")]
    annotate(element, libsbml.BIOLOGICAL_QUALIFIER, libsbml.BQB_IS_DESCRIBED_BY, links)


def annotate(element: libsbml.SBase, kind: int, relation: int, links: Iterable[str]) -> None:
    """Add MIRIAM annotations to an SBML element."""
    term = libsbml.CVTerm(kind)
    term.setBiologicalQualifierType(relation)
    for link in links:
        term.addResource(link)
    if term.getNumResources():
        if not element.isSetMetaId():
            element.setMetaId(f"meta_{element.getId()}")
        element.addCVTerm(term)


def _constant(name: str, drug: Drug) -> str:
    """Return the model id of a drug's constant: kon_FKBP12 of sirolimus -> kon_FKBP12_sirolimus."""
    if name in ("kon_FRB", "Kd_FRB"):
        return f"{name}_FKBP12_{sid(drug.name)}"
    return f"{name}_{sid(drug.name)}"


def _formula(text: str) -> libsbml.ASTNode:
    math = libsbml.parseL3Formula(text)
    if math is None:
        raise ModelError(f"cannot parse {text!r}: {libsbml.getLastParseL3Error()}")
    return math


def _symbols(math: libsbml.ASTNode) -> set[str]:
    found = {math.getName()} if math.isName() else set()
    return found.union(*(_symbols(math.getChild(i)) for i in range(math.getNumChildren())))


def _multiply(math: libsbml.ASTNode, symbol: str, factor: str) -> None:
    """Replace `symbol` by `factor*symbol` wherever it stands in `math`."""
    for index in range(math.getNumChildren()):
        child = math.getChild(index)
        if child.isName() and child.getName() == symbol:
            math.replaceChild(index, _formula(f"{factor}*{symbol}"), True)
        else:
            _multiply(child, symbol, factor)


def _participants(reaction: libsbml.Reaction) -> tuple[list[str], list[str]]:
    reactants = [reaction.getReactant(i).getSpecies() for i in range(reaction.getNumReactants())]
    products = [reaction.getProduct(i).getSpecies() for i in range(reaction.getNumProducts())]
    return reactants, products


def _counted(reaction: libsbml.Reaction) -> tuple[list[tuple[str, float]], ...]:
    """Return the species on both sides, with their stoichiometries."""
    sides = (reaction.getListOfReactants(), reaction.getListOfProducts())
    return tuple([(one.getSpecies(), one.getStoichiometry()) for one in side] for side in sides)


def saturating(
    math: libsbml.ASTNode, form: str, whole: str, *, below: bool = False
) -> libsbml.ASTNode:
    """Return a rate with `form` replaced by `whole` where it only saturates the rate.

    That is below a fraction bar, and in all but one factor of a power: ``V*A^2/(K + A^2)`` becomes
    ``V*A*T/(K + T^2)``, which summed over the states of A gives the rate at their total T.
    """
    if below:
        math.renameSIdRefs(form, whole)
        return math
    is_power = math.getType() in (libsbml.AST_POWER, libsbml.AST_FUNCTION_POWER)
    if is_power and math.getChild(0).isName() and math.getChild(0).getName() == form:
        exponent = libsbml.formulaToL3String(math.getChild(1))
        if math.getChild(1).isNumber() and math.getChild(1).getValue() < 0:
            math.renameSIdRefs(form, whole)
            return math
        return _formula(f"{form}*{whole}^({exponent} - 1)")
    for index in range(math.getNumChildren()):
        under = math.getType() == libsbml.AST_DIVIDE and index == 1
        child = saturating(math.getChild(index).deepCopy(), form, whole, below=under)
        math.replaceChild(index, child, True)
    return math


def _require(status: int, id: str) -> None:
    if status != libsbml.LIBSBML_OPERATION_SUCCESS:
        raise ModelError(f"{id!r} cannot be used as an id in the model.")
