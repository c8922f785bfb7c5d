"""Fits to PEtab problems: the likelihood is PEtab's, and known parameters come back."""

import json
import math
import sys
from pathlib import Path

import antimony
import numpy as np
import pandas as pd
import pytest
import roadrunner
from petab import v1 as petab
from petab.v1.priors import Prior

import mtorsim as mt
from mtorsim.cli import main
from mtorsim.fits import optimise, petab_problem
from mtorsim.fits.petab_files import Line
from mtorsim.fits.petab_parameters import estimated
from mtorsim.symbols import symbols

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:petab.*")

# A receptor that is not of ours; B and C are bound, C was taken up.
RECEPTOR = """
model receptor
  compartment cell = 2
  species A in cell, B in cell, C in cell, L in cell
  A = total_A; B = 0; C = 0; L = 0.2
  total_A = 10; kf = 0.3; kr = 0.1; kd = 0.05
  bound := B + C
  forward: A + L -> B; cell*kf*A*L
  back: B -> A + L; cell*kr*B
  take_up: B -> C; cell*kd*B
  return: C -> A + L; cell*0.02*C
end
"""
TRUTH = {"kf": 0.3, "kr": 0.1, "kd_low": 0.05, "total_A": 10, "scale_B": 2, "offset_B": 0.5,
         "sd_C": 0.05}  # fmt: skip
TABLES = {
    "conditions.tsv": """\
conditionId	conditionName	L	kd
base	none	0.2	0.05
low	low dose	1	kd_low
high		5	0.05
""",
    "observables.tsv": """\
observableId	observableFormula	observableTransformation	noiseFormula	noiseDistribution
obs_B	observableParameter1_obs_B * B + observableParameter2_obs_B	lin	noiseParameter1_obs_B	normal
obs_C	C + 0.001	log10	sd_C	normal
obs_bound	bound	log	0.05 + 0.1 * noiseParameter1_obs_bound	normal
""",  # noqa: E501
    "parameters.tsv": """\
parameterId	parameterScale	lowerBound	upperBound	nominalValue	estimate	objectivePriorType	objectivePriorParameters
kf	log10	0.001	10	0.2	1		
kr	lin	0.001	1	0.14	1	normal	0.12;0.05
kd_low	log	0.001	1	0.03	1	parameterScaleNormal	-3;0.5
total_A	log10	1	100	12	1	logNormal	2.3;0.3
scale_B	log10	0.1	100	1	1		
offset_B	lin	-1	5	0	1		
sd_C	log10	0.001	10	0.1	1		
noise_b	lin	0.01	10	1	0		
""",  # noqa: E501, W291
    "problem.yaml": """\
format_version: 1
parameter_file: parameters.tsv
problems:
  - sbml_files: [model.xml]
    condition_files: [conditions.tsv]
    observable_files: [observables.tsv]
    measurement_files: [measurements.tsv]
""",
}  # fmt: skip
TIMES = (0.0, 1.0, 3.0, 10.0, 30.0, math.inf)
COLUMNS = ("observableId", "preequilibrationConditionId", "simulationConditionId", "measurement",
           "time", "observableParameters", "noiseParameters", "datasetId")  # fmt: skip


def simulated(sbml, before, dose):
    """B, C and bound at `TIMES`, by plain RoadRunner."""
    runner = roadrunner.RoadRunner(sbml)
    runner.integrator.relative_tolerance = 1e-11
    runner.integrator.absolute_tolerance = 1e-14
    if before:
        runner.simulate(0, 1e6, 2)
        runner.model.setTime(0)
    runner.setValue("[L]", dose)
    runner.timeCourseSelections = ["[B]", "[C]", "bound"]
    return np.array(runner.simulate(times=[*TIMES[:-1], 1e6]))


def measured(sbml):
    draw, rows = np.random.default_rng(5), []
    for before, condition in (("base", "low"), ("base", "high"), ("", "high")):
        curves = simulated(sbml, before, {"low": 1, "high": 5}[condition])
        for time, (b, c, bound) in zip(TIMES, curves, strict=True):
            where = (before, condition)
            rows.append(("obs_B", *where, 2 * b + 0.5 + draw.normal(0, 0.1), time,
                         "scale_B;offset_B", "0.1"))  # fmt: skip
            if bound > 0:
                value = (c + 0.001) * 10 ** draw.normal(0, 0.05)
                rows.append(("obs_C", *where, value, time, "", ""))
                value = bound * math.exp(draw.normal(0, 0.15))
                rows.append(("obs_bound", *where, value, time, "", "noise_b"))
    return pd.DataFrame([(*row, f"{row[1]}_{row[2]}") for row in rows], columns=COLUMNS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("receptor")
    antimony.clearPreviousLoads()
    assert antimony.loadAntimonyString(RECEPTOR) > 0
    sbml = antimony.getSBMLString("receptor")
    (made / "model.xml").write_text(sbml)
    for name, text in TABLES.items():
        (made / name).write_text(text)
    measured(sbml).to_csv(made / "measurements.tsv", sep="\t", index=False)
    return made


@pytest.fixture(scope="module")
def problem(folder):
    return petab_problem(folder / "problem.yaml")


@pytest.fixture(scope="module")
def fitted(folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("fit") / "f"
    options = {"starts": 2, "profile": ["sd_C"], "cross_validate": True, "out": out}
    return mt.fit(folder / "problem.yaml", **options, workers=2), out, options


# -- the likelihood ----------------------------------------------------------------------------


def by_petab(path, made, values):
    """The same likelihood by PEtab's library, of what our simulations say."""
    one = petab.Problem.from_yaml(str(path))
    one.parameter_df.loc[[*values], "nominalValue"] = [*values.values()]
    table = one.measurement_df
    ours = table.drop(columns="measurement").assign(simulation=made.predicted(values)[0])
    # Where there is no pre-equilibration, PEtab's library would take the first of any.
    bare = table["preequilibrationConditionId"].isna()
    return -sum(
        petab.calculate_llh(table[mask], ours[mask], one.observable_df, one.parameter_df)
        for mask in (bare, ~bare)
        if mask.any()
    )


@pytest.mark.parametrize("name", ["nominal", "truth"])
def test_the_likelihood_is_that_of_petab(folder, problem, name):
    steps = problem.origin
    if name == "truth":
        steps = np.array([one.step_of(TRUTH[one.id]) for one in problem.free])
    values = problem.values(steps)
    expected = by_petab(folder / "problem.yaml", problem, values)
    assert problem.nllh(steps) == pytest.approx(expected, rel=1e-9)


def test_simulations_are_those_of_plain_roadrunner(folder, problem):
    """Doses, pre-equilibration and rest, and first values that follow from what is estimated."""
    model, _ = problem.predicted(TRUTH)
    sbml = (folder / "model.xml").read_text()
    rows = problem.tables.rows
    for before, dose, condition in (("base", 1, "low"), ("base", 5, "high"), ("", 5, "high")):
        expected = dict(zip(TIMES, simulated(sbml, before, dose)[:, 0], strict=True))
        mine = {row.time: value for row, value in zip(rows, model, strict=True)
                if row.observable == "obs_B" and row.course == (before, condition)}  # fmt: skip
        for time, value in mine.items():
            assert value == pytest.approx(2 * expected[time] + 0.5, rel=1e-6)


def for_amici(folder, made):
    """The same problem without what AMICI has not: another rate in the pre-equilibration."""
    for name in ("model.xml", *TABLES):
        (made / name).write_text((folder / name).read_text())
    text = TABLES["conditions.tsv"].replace("\t0.05\n", "\tkd_low\n")
    (made / "conditions.tsv").write_text(text)
    table = pd.read_csv(folder / "measurements.tsv", sep="\t")
    table = table[table["preequilibrationConditionId"] == "base"]
    table.to_csv(made / "measurements.tsv", sep="\t", index=False)
    return made / "problem.yaml"


def test_amici_has_the_same_likelihood(folder, tmp_path):
    made = petab_problem(for_amici(folder, tmp_path))
    # AMICI 1.0.1 (simulate_petab, relative tolerance 1e-10, absolute 1e-14): 3242.0830413760996
    assert made.nllh(made.origin) == pytest.approx(3242.0830413760996, rel=1e-6)


# -- priors and scales -------------------------------------------------------------------------


def row(**given):
    usual = {"parameterId": "k", "parameterScale": "log10", "lowerBound": 0.01,
             "upperBound": 100.0, "nominalValue": 1.0, "estimate": 1.0}  # fmt: skip
    return Line("p.tsv, line 2", usual | given)


@pytest.mark.parametrize(
    ("kind", "scale"), [("logNormal", "log10"), ("logNormal", "log"), ("normal", "lin")]
)
def test_priors_are_those_of_petab(kind, scale):
    one = estimated(row(parameterScale=scale, objectivePriorType=kind,
                        objectivePriorParameters="0.5;0.7"))  # fmt: skip
    theirs = Prior(kind, (0.5, 0.7), bounds=(0.01, 100), transformation=scale)
    points = (0.3, 1.0, 4.0)
    mine = np.array([one.step_of(x) ** 2 / 2 for x in points])
    expected = np.array([float(theirs.neglogprior(x)) for x in points])
    np.testing.assert_allclose(np.diff(mine), np.diff(expected), rtol=1e-9)


def test_a_prior_on_the_scale_counts_there():
    one = estimated(row(objectivePriorType="parameterScaleNormal",
                        objectivePriorParameters="0.5;0.25"))  # fmt: skip
    assert one.step_of(10**0.5) == pytest.approx(0, abs=1e-12)
    assert one.step_of(10**0.75) == pytest.approx(1)
    assert one.ends == pytest.approx((-10, 6))


def test_a_uniform_prior_ends_the_search():
    one = estimated(row(objectivePriorType="uniform", objectivePriorParameters="0.5;20"))
    assert (one.low, one.high, one.has_prior) == (0.5, 20, False)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"objectivePriorType": "laplace", "objectivePriorParameters": "0;1"},
         "p.tsv, line 2, objectivePriorType: 'laplace' on scale log10 is not supported"),
        ({"objectivePriorType": "normal", "objectivePriorParameters": "0;1"}, "'normal' on scale"),
        ({"objectivePriorType": "logNormal", "objectivePriorParameters": "0"}, "two numbers"),
        ({"objectivePriorType": "logNormal", "objectivePriorParameters": "0;0"}, "above zero"),
        ({"lowerBound": 0.0}, "lowerBound: 0 has no logarithm"),
        ({"upperBound": math.inf}, "finite ends"),
        ({"nominalValue": 200.0}, "nominalValue: 200 is not from 0.01 to 100"),
        ({"parameterScale": "log2"}, "parameterScale: 'log2'"),
    ],
)  # fmt: skip
def test_parameters_that_are_not_supported(changes, said):
    with pytest.raises(mt.InputError, match=said):
        estimated(row(**changes))


# -- fits --------------------------------------------------------------------------------------


def test_known_parameters_come_back(fitted):
    found, _, _ = fitted
    table = found.estimates.set_index("parameter")
    assert found.undetermined == ()
    for id, value in TRUTH.items():
        low, high = table.loc[id, "data_low"], table.loc[id, "data_high"]
        widening = (high - low) * 0.3  # one of seven intervals of 95 % may miss by a little
        assert low - widening < value < high + widening
    assert found.same == 2
    assert found.better == ()


def test_the_fit_is_better_than_the_truth(fitted):
    """And the objective differs between points as likelihood and priors do."""
    found, _, _ = fitted
    made = found.problem
    truth = np.array([one.step_of(TRUTH[one.id]) for one in made.free])

    def posterior(steps):
        return 2 * made.nllh(steps) + (steps[made.has_prior] ** 2).sum()

    assert posterior(found.best) < posterior(truth) < posterior(made.origin)
    ends = found.ends
    rise = found.starts["cost"].iloc[1] - found.cost
    assert posterior(ends[1]) - posterior(ends[0]) == pytest.approx(rise, abs=1e-6)
    nudged = found.best + 0.05
    assert posterior(nudged) > posterior(found.best)


def test_an_estimated_noise_is_the_spread_of_the_residuals(fitted):
    found, _, _ = fitted
    table = found.predictions
    mine = table[table["observableId"] == "obs_C"]
    away = np.log10(mine["fitted"] / mine["measurement"])
    # the maximum of a normal likelihood: the root mean square, not counting what was fitted
    assert dict(found.problem.values(found.best))["sd_C"] == pytest.approx(
        np.sqrt((away**2).mean()), rel=1e-3
    )


def test_curvature_and_profile_agree_on_noise(fitted):
    found, _, _ = fitted
    place = [one.id for one in found.problem.free].index("sd_C")
    _, _, _, sd = found._spreads(place)
    one = found.estimates.loc[place]
    width = np.log(one["data_high"] / one["data_low"])
    assert one["interval"] == "profile"
    assert width == pytest.approx(2 * 1.96 * sd, rel=0.15)


def test_datasets_are_predicted_from_the_others(fitted):
    found, _, _ = fitted
    table = found.validation.set_index("dataset")
    assert {*table.index} == {"base_low", "base_high", "_high"}
    assert (table["rms_fitted"] < table["rms_before"]).all()
    assert table["rms_predicted"].between(0.3, 5).all()


def test_the_folder_holds_tables_of_petab(fitted, folder):
    found, out, _ = fitted
    table = petab.get_parameter_df(str(out / "parameters.tsv"))
    values = {id: table.loc[id, "nominalValue"] for id in TRUTH}
    assert values == pytest.approx(found.values)
    assert table.loc["noise_b", "nominalValue"] == 1
    one = petab.Problem.from_yaml(str(folder / "problem.yaml"))
    ours = pd.read_csv(out / "simulations.tsv", sep="\t")
    mask = ours["preequilibrationConditionId"].notna()
    of_bare = petab.calculate_llh(one.measurement_df[~mask], ours[~mask], one.observable_df, table)
    rest = petab.calculate_llh(one.measurement_df[mask], ours[mask], one.observable_df, table)
    assert found.nllh == pytest.approx(-of_bare - rest, rel=1e-6)
    assert {one.name for one in out.iterdir()} >= {"estimates.csv", "fit.png", "profiles.png"}


def test_a_fit_goes_on_and_is_the_same_with_any_number_of_workers(fitted, folder, tmp_path):
    found, out, options = fitted
    (out / "estimates.csv").unlink()
    (out / "parts" / "start_00001.json").unlink()
    again = mt.fit(folder / "problem.yaml", **options, resume=True)
    pd.testing.assert_frame_equal(again.estimates, found.estimates)
    pd.testing.assert_frame_equal(again.starts, found.starts)


def test_parameters_may_be_chosen_and_priors_left_out(folder):
    made = petab_problem(folder / "problem.yaml", ["k*"], prior=False)
    assert [one.id for one in made.free] == ["kf", "kr", "kd_low"]
    assert made.fixed["total_A"] == 12
    assert not made.has_prior.any()
    assert not made.has_noise
    found = optimise.minimise(made, made.origin)
    assert found.converged
    assert made.nllh(found.steps) < made.nllh(made.origin)


# -- a scenario of ours ------------------------------------------------------------------------


def test_a_scenario_that_was_exported_comes_back(tmp_path):
    known = symbols()
    truth = {"kphos_S6K1_by_mTORC1": known["kphos_S6K1_by_mTORC1"].value * 1.5,
             "kdephos_S6K1_by_PP2A": known["kdephos_S6K1_by_PP2A"].value * 0.7}  # fmt: skip
    scenario = mt.Scenario(drugs={"temsirolimus": "20 nM"}, duration="1 h", observe=["S6K1_pT389"])
    run = mt.simulate(scenario.replace(set=truth), times=[0, 3, 8, 15, 30, 60])
    values = run["S6K1_pT389"].to_numpy()
    sd = 0.03 * values.max()
    drawn = values + np.random.default_rng(4).normal(0, sd, len(values))
    rows = {"observable": "S6K1_pT389", "time_min": run.time, "value": drawn, "sd": sd}
    pd.DataFrame(rows).to_csv(tmp_path / "d.csv", index=False)
    mt.export_petab(scenario, tmp_path / "p", estimate=[*truth], data=tmp_path / "d.csv")
    found = mt.fit(tmp_path / "p", starts=1)  # the folder stands for its problem.yaml
    table = found.estimates.set_index("parameter")
    for id, value in truth.items():
        assert table.loc[id, "status"] == "determined"
        assert table.loc[id, "data_low"] < value < table.loc[id, "data_high"]
        assert table.loc[id, "data_high"] / table.loc[id, "data_low"] < 2


# -- what is refused ---------------------------------------------------------------------------


@pytest.fixture
def changed(folder, tmp_path):
    """A copy of the problem with one text changed; returns its YAML file."""

    def change(name, old, new):
        for one in folder.iterdir():
            (tmp_path / one.name).write_text(one.read_text())
        text = (tmp_path / name).read_text()
        assert old in text
        (tmp_path / name).write_text(text.replace(old, new, 1))
        return tmp_path / "problem.yaml"

    return change


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("problem.yaml", "format_version: 1", "format_version: 2.0.0", "expected PEtab version 1"),
        ("problem.yaml", "model.xml", "m.xml", "sbml_files: no file 'm.xml'"),
        ("problem.yaml", "[model.xml]", "[model.xml, model.xml]", "sbml_files: 2 given"),
        ("problem.yaml", "measurements.tsv", "https://x.org/m.tsv", "measurement_files: no file"),
        ("problem.yaml", "  - sbml", "  - visualization_files: [ftp://x.org/v.tsv]\n    sbml",
         "visualization_files: no file"),
        ("problem.yaml", "problems:", "problemss:", "not a PEtab problem"),
        ("observables.tsv", "sd_C	normal", "sd_C	laplace",
         "observables.tsv, line 3, noiseDistribution: 'laplace' is not supported"),
        ("observables.tsv", "C + 0.001", "CC + 0.001", "CC"),
        ("conditions.tsv", "	L	", "	LL	", "LL"),
        ("conditions.tsv", "	kd\n", "	bound\n", "bound"),
        ("measurements.tsv", "	0.1	", "	zero	", "zero"),
        ("measurements.tsv", "scale_B;offset_B", "scale_B", "scale_B|obs_B"),
        ("parameters.tsv", "normal	0.12;0.05", "laplace	0.12;0.05",
         "parameters.tsv, line 3, objectivePriorType: 'laplace' on scale lin"),
        ("model.xml", "<kineticLaw>", "<kineticLow>", "model.xml"),
    ],
)  # fmt: skip
def test_what_is_not_supported_is_refused_by_name(changed, name, old, new, said):
    with pytest.raises(mt.InputError, match=f"(?i){said}"):
        petab_problem(changed(name, old, new))


def test_files_outside_the_folder_are_not_read(changed, tmp_path):
    inside = tmp_path / "inside"
    path = changed("problem.yaml", "measurements.tsv", "../measurements.tsv")
    inside.mkdir()
    for name in ("model.xml", *TABLES):
        (tmp_path / name).rename(inside / name)
    with pytest.raises(mt.InputError, match=r"measurement_files: .* lies outside the folder"):
        petab_problem(inside / path.name)


def test_rest_has_no_time(changed):
    path = changed("observables.tsv", "C + 0.001", "C + 0.001 * time")
    with pytest.raises(mt.InputError, match=r"measurements\.tsv, line \d+, time: at rest"):
        petab_problem(path)


def test_what_never_rests_is_said(changed):
    path = changed("model.xml", "</listOfReactions>", GROWS + "</listOfReactions>")
    with pytest.raises(mt.SimulationError, match=r"no resting state.* still moves"):
        petab_problem(path)


GROWS = """<reaction id="grow" reversible="false"><listOfProducts>
<speciesReference species="C" stoichiometry="1" constant="true"/></listOfProducts><kineticLaw>
<math xmlns="http://www.w3.org/1998/Math/MathML"><cn> 0.1 </cn></math></kineticLaw></reaction>"""


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"loss": "huber"}, "loss: does not go with"),
        ({"bounds": {"kf": (1, 2)}}, "bounds: does not go with"),
        ({"targets": ["EX05"]}, "targets: does not go with"),
        ({"scenario": mt.Scenario()}, "scenario: does not go with"),
        ({"parameters": ["kx"]}, "no estimated parameter 'kx'"),
        ({"profile": ["noise_b"]}, "fitted parameter"),
    ],
)
def test_options_that_the_tables_speak_for(folder, options, said):
    with pytest.raises(mt.InputError, match=said):
        mt.fit(folder / "problem.yaml", **options)


def test_without_the_library_it_says_what_to_install(folder, monkeypatch, tmp_path):
    from mtorsim.fits import petab_files

    (tmp_path / "petab.py").write_text("raise ImportError('not here')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "petab")
    with pytest.raises(mt.InputError, match=r"pip install 'mtorsim\[petab\]'"):
        petab_files.read_apart({"path": str(folder / "problem.yaml")}, {})


# -- command -----------------------------------------------------------------------------------


def test_command_fits_a_problem(folder, problem, tmp_path, capfd):
    words = [folder / "problem.yaml", "--parameter", "k*", "--starts", 1, "--workers", 1]
    with pytest.raises(SystemExit) as leaving:
        main(["fit", *map(str, words), "--json", "--out", str(tmp_path / "f")])
    assert leaving.value.code == 0
    found = json.loads(capfd.readouterr().out)
    assert [one["parameter"] for one in found["estimates"]] == ["kf", "kr", "kd_low"]
    assert found["nllh"] < problem.nllh(problem.origin)
    assert Path(found["folder"], "parameters.tsv").is_file()


def test_command_refuses_without_a_trace(changed, capfd, tmp_path):
    path = changed("observables.tsv", "sd_C	normal", "sd_C	laplace")
    with pytest.raises(SystemExit) as leaving:
        main(["fit", str(path), "--out", str(tmp_path / "f")])
    complaint = capfd.readouterr().err
    assert leaving.value.code == 2
    assert "line 3, noiseDistribution" in complaint
    assert "Traceback" not in complaint
    assert not (tmp_path / "f").exists()
