"""Drugs as species and reactions: writes them into an SBML document, so that exports carry them.

The layer is told by a map (`Roles`) which species of the network carry an open FRB domain, which
reactions an occupied form cannot take part in, and which sums and activities it contributes to.
For every rapalog it then enumerates the occupied forms: each form of mTOR with an open FRB domain
gets a twin with FKBP12-drug docked, and each reaction of that form a copy for the twin.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from xml.sax.saxutils import escape

import libsbml
import yaml

from mtorsim.drugs import Drug
from mtorsim.errors import ModelError
from mtorsim.facts import Fact
from mtorsim.library import read_sbml
from mtorsim.paths import models_path

RAPALOG = "rapalog"

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


@dataclass(frozen=True, kw_only=True)
class Roles:
    """Which parts of a network the drug layer acts on.

    Attributes
    ----------
    cell, medium : str
        Compartments.
    FKBP12, FKBP51 : str
        Species that bind the drugs.
    free_mTOR, mTORC1 : tuple of str
        Species with an open FRB domain, outside and inside mTORC1.
    Kd_ratio : str
        Parameter: how many times weaker FKBP12-drug docks on mTORC1 than on free mTOR.
    closed_to_occupied : tuple of str
        Reactions that no occupied form takes part in (assembly of mTORC2).
    weakened_in_occupied : mapping of str to str
        Reaction -> rate constant of dissociation that the ratio multiplies in occupied forms.
    activity : mapping of str to tuple of str
        Assignment-rule variable -> forms whose occupied twins add `residual` of their amount to it.
    residual : str
        Parameter: activity left in an occupied form.
    totals : tuple of str
        Assignment-rule variables that count occupied twins like the forms themselves.
    readouts : mapping of str to str
        ``FKBP12_drug``, ``drug_medium``, ``mTORC1_FRB_occupied`` -> parameter that becomes the sum.
    """

    cell: str
    medium: str
    FKBP12: str
    FKBP51: str
    free_mTOR: tuple[str, ...]
    mTORC1: tuple[str, ...]
    Kd_ratio: str
    closed_to_occupied: tuple[str, ...]
    weakened_in_occupied: Mapping[str, str]
    activity: Mapping[str, tuple[str, ...]]
    residual: str
    totals: tuple[str, ...]
    readouts: Mapping[str, str]

    @property
    def open_forms(self) -> tuple[str, ...]:
        """Every species with an open FRB domain."""
        return self.free_mTOR + self.mTORC1


def load_roles(path: Path) -> Roles:
    """Read a map file; `ModelError` when a key is missing or unknown."""
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    try:
        compartments = content.pop("compartments")
        activity = {name: tuple(forms) for name, forms in content.pop("activity").items()}
        lists = {key: tuple(value) for key, value in content.items() if isinstance(value, list)}
        return Roles(**compartments, activity=activity, **{**content, **lists})
    except (TypeError, KeyError, AttributeError) as error:
        raise ModelError(f"{path}: not a map for the drug layer: {error}.") from None


@cache
def network_roles() -> Roles:
    """Return the map of the network that mtorsim ships."""
    return load_roles(models_path("roles.yaml"))


def sid(name: str) -> str:
    """Return a drug's name as an SBML id: ``Ku-0063794`` -> ``Ku_0063794``."""
    return name.replace("-", "_")


def medium_species(drug: str) -> str:
    """Return the id of the species that is `drug` in the medium."""
    return f"{sid(drug)}_medium"


def wash_parameter(drug: str) -> str:
    """Return the id of the rate at which washing takes `drug` from the medium; zero by default."""
    return f"kwash_{sid(drug)}"


def attach(sbml: str, roles: Roles, drugs: Sequence[Drug]) -> str:
    """Return the model with the reactions of `drugs` written into it.

    Parameters
    ----------
    sbml : str
        The network, SBML Level 3 with nM, min and litre as in cell.ant.
    roles : Roles
        Which of its parts the drugs act on.
    drugs : sequence of Drug
        Any number, each once. All start at zero amount.

    Raises
    ------
    ModelError
        When `roles` names a part that the network lacks.
    """
    if not drugs:
        return sbml
    document = read_sbml(sbml, what="the network")
    layer = _Layer(document.getModel(), roles)
    for drug in drugs:
        layer.add(drug)
    layer.write_sums()
    return str(libsbml.writeSBMLToString(document))


class _Layer:
    """The model under construction and the sums collected on the way."""

    def __init__(self, model: libsbml.Model, roles: Roles) -> None:
        self.model, self.roles = model, roles
        self.native = [model.getReaction(i).clone() for i in range(model.getNumReactions())]
        self.sums: dict[str, list[str]] = {name: [] for name in roles.readouts.values()}
        self.extra: dict[str, list[str]] = {}
        self._check()

    def add(self, drug: Drug) -> None:
        self._add_parameters(drug)
        self._add_entry(drug)
        bound = self._bind(drug, self.roles.FKBP12, "FKBP12")
        self._bind(drug, self.roles.FKBP51, "FKBP51")
        self.sums[self.roles.readouts["FKBP12_drug"]].append(bound)
        if drug.mechanism == RAPALOG:
            self._dock(drug, bound)

    def write_sums(self) -> None:
        for variable, terms in self.sums.items():
            parameter = self.model.getParameter(variable)
            parameter.setConstant(False)
            parameter.unsetValue()
            parameter.unsetNotes()
            rule = self.model.createAssignmentRule()
            _require(rule.setVariable(variable), variable)
            rule.setMath(_formula(" + ".join(terms) if terms else "0 nM"))
        for variable, terms in self.extra.items():
            rule = self.model.getAssignmentRuleByVariable(variable)
            old = libsbml.formulaToL3String(rule.getMath())
            rule.setMath(_formula(" + ".join([old, *terms])))

    # -- what one drug adds ------------------------------------------------------------------

    def _add_parameters(self, drug: Drug) -> None:
        for name, fact in drug.values.items():
            self._parameter(_constant(name, drug.name), fact)
        wash = Fact(value=0.0, unit="1/min", source="definition", confidence="A",
                    notes="set while the medium is being washed")  # fmt: skip
        self._parameter(wash_parameter(drug.name), wash)

    def _add_entry(self, drug: Drug) -> None:
        roles, name = self.roles, sid(drug.name)
        outside = medium_species(drug.name)
        self._species(
            outside, roles.medium, f"{drug.name} in the medium", _CHEMICAL, drug.identifiers
        )
        self._species(
            name, roles.cell, f"{drug.name}, free in the cell", _CHEMICAL, drug.identifiers
        )
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

    def _bind(self, drug: Drug, protein: str, label: str) -> str:
        name, bound = sid(drug.name), f"{label}_{sid(drug.name)}"
        self._species(
            bound, self.roles.cell, f"{label} with {drug.name}", _COMPLEX, drug.identifiers
        )
        self._reaction(
            f"bind_{bound}", _BINDING, [protein, name], [bound],
            f"{self.roles.cell}*(kon_{bound}*{protein}*{name} - koff_{bound}*{bound})",
            reversible=True,
        )  # fmt: skip
        return bound

    def _dock(self, drug: Drug, bound: str) -> None:
        """Add the occupied twin of every open form, its docking, and copies of its reactions."""
        twins = {form: f"{form}_{bound}" for form in self.roles.open_forms}
        for form, twin in twins.items():
            label = self.model.getSpecies(form).getName() or form
            self._species(twin, self.roles.cell, f"{label}; FRB domain holds {bound}", _COMPLEX,
                          drug.identifiers)  # fmt: skip
            Kd = f"Kd_FRB_{bound}"
            if form in self.roles.mTORC1:
                Kd = f"{self.roles.Kd_ratio}*{Kd}"
            self._reaction(
                f"dock_{twin}", _BINDING, [form, bound], [twin],
                f"{self.roles.cell}*kon_FRB_{bound}*({form}*{bound} - {Kd}*{twin})",
                reversible=True,
            )  # fmt: skip
        for reaction in self.native:
            self._copy(reaction, twins, bound)
        self._collect(twins)

    def _copy(self, reaction: libsbml.Reaction, twins: Mapping[str, str], bound: str) -> None:
        """Copy a reaction for the occupied twins of the forms that it turns over."""
        reactants, products = _participants(reaction)
        gone = [one for one in reactants if one in twins]
        made = [one for one in products if one in twins]
        # A reaction that only makes mTOR makes it unoccupied.
        if not gone or reaction.getId() in self.roles.closed_to_occupied:
            return
        renames = dict(twins)
        law = reaction.getKineticLaw().getMath().deepCopy()
        if loosened := self.roles.weakened_in_occupied.get(reaction.getId()):
            if loosened not in _symbols(law):
                raise ModelError(f"the drug map: {reaction.getId()} does not depend on {loosened}.")
            _multiply(law, loosened, self.roles.Kd_ratio)
        for old, new in renames.items():
            law.renameSIdRefs(old, new)
        # mTOR that is degraded lets go of FKBP12-drug.
        freed = [] if made else [bound] * len(gone)
        self._reaction(
            f"{reaction.getId()}_{bound}", reaction.getSBOTermID(),
            [renames.get(one, one) for one in reactants],
            [renames.get(one, one) for one in products] + freed,
            libsbml.formulaToL3String(law), reversible=reaction.getReversible(),
        )  # fmt: skip

    def _collect(self, twins: Mapping[str, str]) -> None:
        roles = self.roles
        self.sums[roles.readouts["FKBP12_drug"]] += twins.values()
        occupied = [twins[form] for form in roles.mTORC1]
        self.sums[roles.readouts["mTORC1_FRB_occupied"]] += occupied
        for variable in roles.totals:
            counted = _symbols(self.model.getAssignmentRuleByVariable(variable).getMath())
            self.extra.setdefault(variable, []).extend(twins[f] for f in twins if f in counted)
        for variable, forms in roles.activity.items():
            terms = [f"{roles.residual}*{twins[form]}" for form in forms]
            self.extra.setdefault(variable, []).extend(terms)

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
        parameter.setUnits(_UNIT_IDS[fact.unit])
        parameter.setConstant(True)
        describe(parameter, fact)

    def _reaction(
        self,
        id: str,
        term: str,
        reactants: Sequence[str],
        products: Sequence[str],
        law: str,
        *,
        reversible: bool = False,
    ) -> None:
        reaction = self.model.createReaction()
        _require(reaction.setId(id), id)
        reaction.setReversible(reversible)
        if term:
            reaction.setSBOTerm(term)
        for species in reactants:
            reaction.addReactant(self.model.getSpecies(species), 1.0)
        for species in products:
            reaction.addProduct(self.model.getSpecies(species), 1.0)
        math = _formula(law)
        for species in sorted(_symbols(math) - {*reactants, *products}):
            if self.model.getSpecies(species) is not None:
                reaction.addModifier(self.model.getSpecies(species))
        reaction.createKineticLaw().setMath(math)

    def _check(self) -> None:
        roles, model = self.roles, self.model
        named = (
            (model.getCompartment, (roles.cell, roles.medium)),
            (model.getSpecies, (roles.FKBP12, roles.FKBP51, *roles.open_forms)),
            (model.getParameter, (roles.Kd_ratio, roles.residual, *roles.readouts.values())),
            (model.getParameter, tuple(roles.weakened_in_occupied.values())),
            (model.getReaction, (*roles.closed_to_occupied, *roles.weakened_in_occupied)),
            (model.getAssignmentRuleByVariable, (*roles.totals, *roles.activity)),
        )
        missing = [id for find, ids in named for id in ids if find(id) is None]
        if missing:
            raise ModelError(f"the drug map names {', '.join(missing)}, which the model lacks.")
        closed = {form for forms in roles.activity.values() for form in forms} - {*roles.open_forms}
        if closed:
            raise ModelError(
                f"the drug map gives an occupied form to {', '.join(sorted(closed))} under "
                "'activity', but not under 'free_mTOR' or 'mTORC1'."
            )


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


def _constant(name: str, drug: str) -> str:
    """Return the model id of a drug's constant: kon_FKBP12 of sirolimus -> kon_FKBP12_sirolimus."""
    if name in ("kon_FRB", "Kd_FRB"):
        return f"{name}_FKBP12_{sid(drug)}"
    return f"{name}_{sid(drug)}"


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


def _require(status: int, id: str) -> None:
    if status != libsbml.LIBSBML_OPERATION_SUCCESS:
        raise ModelError(f"{id!r} cannot be used as an id in the model.")
