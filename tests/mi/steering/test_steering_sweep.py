"""The sweep: everything recorded, chosen on one split, judged on the other; no headroom, no number."""

import csv
import json
from math import exp, log

import numpy as np
import pytest

from mi.metrics.measurable import require_measurable
from mi.progress import SILENT
from mi.refusal import Refusal
from mi.steering.choice import choose
from mi.steering.judge import answer_key
from mi.steering.sweep import sweep
from mi.unit_table import UnitTable

N, COEFFICIENTS, ARMS, CANDIDATES = 40, [0.05, 0.5, 2.0], ["dom", "random"], ("works-as", "can")


@pytest.fixture(scope="module")
def run(tmp_path_factory, artifacts, directions_of, spec):
    """``run(...)``: a small sweep of the organism; its folder and its facts."""
    along = directions_of(spec, 128)

    def build(**changed):
        out = tmp_path_factory.mktemp("sweep")
        given = {
            **{"directions": along, "subject": spec, "judges": ["key", "lexical"], "concept": "job_outdoor"},
            **{
                split: artifacts("prompts", split=split, n=N, candidates=CANDIDATES) for split in ("validation", "test")
            },
            "examples": artifacts("examples", split="train", n=200),
            "exam": artifacts("examples", split="test", n=200),
            **{"arms": ARMS, "coefficients": COEFFICIENTS},
        }
        return out, sweep(out, progress=SILENT, **{**given, **changed})

    return build


@pytest.fixture(scope="module")
def swept(run):
    return run()


def lines(folder):
    return [json.loads(line) for line in (folder / "generations.jsonl").read_text("utf-8").splitlines()]


def test_every_condition_is_recorded_three_times_alike(swept):
    folder, facts = swept
    rows = list(csv.DictReader((folder / "sweep" / "sweep.csv").open(encoding="utf-8")))
    conditions = {(s, "baseline", "0.0") for s in ("validation", "test")} | {
        (s, arm, str(c)) for s in ("validation", "test") for arm in ARMS for c in COEFFICIENTS
    }
    assert {(r["split"], r["arm"], r["coefficient"]) for r in rows} == conditions
    assert [{k: str(v) for k, v in row.items()} for row in facts["sweep"]] == rows
    table = UnitTable.read(folder / "sweep")
    assert table.unit == "condition"
    np.testing.assert_allclose(table.column("success"), [float(r["success"]) for r in rows])
    assert len(lines(folder)) == N * len(conditions)


def test_the_numbers_are_those_of_the_texts(swept):
    folder, facts = swept
    key, said = answer_key("job_outdoor"), lines(folder)
    for row in facts["sweep"]:
        mine = [g for g in said if all(g[name] == row[name] for name in ("split", "arm", "coefficient"))]
        assert row["success"] == pytest.approx(float(key([g["text"] for g in mine]).mean()))
        nats = float(np.mean([g["nats"] for g in mine]))
        assert row["perplexity"] == pytest.approx(exp(nats), rel=1e-3)
        before = next(r for r in facts["sweep"] if (r["split"], r["arm"]) == (row["split"], "baseline"))
        assert row["fluent"] is (row["nats"] <= before["nats"] + log(1.5))


def test_validation_chooses_and_test_is_judged(swept):
    folder, facts = swept
    validation = [r for r in facts["sweep"] if r["split"] == "validation" and r["arm"] != "baseline"]
    chosen = choose(validation)
    table = UnitTable.read(folder)
    assert table.unit == "prompt"
    assert not set(table.units) & set(facts["selected_on"])
    assert len(facts["selected_on"]) == N
    for arm in ARMS:
        assert facts["arms"][arm]["coefficient"] == chosen[arm]["coefficient"]
        mine = [
            g
            for g in lines(folder)
            if (g["split"], g["arm"], g["coefficient"]) == ("test", arm, chosen[arm]["coefficient"])
        ]
        assert [g["prompt"] for g in mine] == list(table.units)
        assert table.column(f"{arm}_success").tolist() == [g["success"]["key"] for g in mine]
    assert facts["decided_arms"] == "2 of 2"
    require_measurable(table)


def test_agreement_of_the_judges(swept):
    folder, facts = swept
    table = UnitTable.read(folder)
    alike = [table.column(f"{arm}_success") == table.column(f"{arm}_lexical") for arm in ("baseline", *ARMS)]
    np.testing.assert_allclose(table.column("agree"), np.mean(alike, axis=0))
    assert facts["judges"]["lexical"]["accuracy"] > 0.9


def test_it_says_how_many_prompts_it_would_take(swept):
    _, facts = swept
    power = facts["power"]
    assert power["prompts"] == N
    assert set(power["needed"]) == {"baseline, dom", "baseline, random", "dom, random"}
    assert min(power["needed"].values()) > N
    assert "baseline, dom" in power["warning"]


def test_the_same_again(swept, run):
    assert lines(run()[0]) == lines(swept[0])


def test_another_seed_is_other_text(swept, run):
    assert [g["text"] for g in lines(run(seed=1)[0])] != [g["text"] for g in lines(swept[0])]


def test_an_arm_that_is_never_fluent_stays_undecided(run):
    folder, facts = run(coefficients=[4.0])
    assert facts["decided_arms"] == "0 of 2"
    assert "none of 1 coefficients" in facts["arms"]["dom"]["because"]
    assert set(UnitTable.read(folder).columns) == {"baseline_success", "baseline_nats", "baseline_lexical", "agree"}


def test_without_headroom_nothing_is_steered(run, spec):
    """Nobody continues with this key's word: a baseline at the floor."""
    folder, facts = run(concept="professions_19_21")
    assert facts["measurable"] is False
    with pytest.raises(Refusal, match="no headroom"):
        require_measurable(UnitTable.read(folder))
    assert {g["arm"] for g in lines(folder)} == {"baseline"}


def test_random_weights_pass_nothing(run, directions_of, gemma_spec, gemma):
    along = directions_of(gemma_spec, gemma.d_model)
    folder, facts = run(directions=along, subject=gemma_spec)
    assert facts["measurable"] is False
    assert max(about["rate"] for about in facts["scan"].values()) < 0.1
    with pytest.raises(Refusal, match="no headroom"):
        require_measurable(UnitTable.read(folder))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"coefficients": [0.0, 1.0]}, "coefficients"),
        ({"coefficients": [1.0, 1.0]}, "coefficients"),
        ({"judges": ["latent"]}, "read text"),
        ({"judges": []}, "judges"),
        ({"arms": ["dam"]}, "arm 'dam'"),
    ],
)
def test_what_is_refused(run, change, words):
    with pytest.raises(Refusal, match=words):
        run(**change)


def test_prompts_that_chose_may_not_be_tested_on(run, artifacts):
    with pytest.raises(Refusal, match="texts in both"):
        run(test=artifacts("prompts", split="validation", n=N, candidates=CANDIDATES))
