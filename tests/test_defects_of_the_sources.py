"""Defects that were found in the source projects, put back one by one: each has to be noticed.

Numbers as in the project's list of them (A6-01 to -03, -07 to -19, -21, -24; the others belong to training). The
same bugs as changes to the running pipeline are in benchmarks/silent_bugs.
"""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from ledger.assess import assess
from ledger.claim import Claim
from ledger.family import adjust
from ledger.noise_floor import NOISE_FLOORS
from ledger.registry import load_report
from ledger.verdict import Bound
from mi.autointerp.accounting import account
from mi.autointerp.answers import parse
from mi.autointerp.registered import digest, draw
from mi.circuits.circuit import Circuit
from mi.circuits.random_sets import mean_rate, random_sets
from mi.claimable import Refusal, Sample, against_random_sets, paired, two_proportions, unpaired
from mi.probing.probe import fit, top_columns
from mi.probing.split import FitSet, TestSet

ROOT = Path(__file__).resolve().parents[1]


def claim(**about):
    given = {
        **{"id": "report.claim", "report": "report", "statement": "s", "quantity": "accuracy", "unit": "example"},
        **{
            "design": "paired",
            "bound": Bound("above", 0.0),
            "subject": "m",
            "family": "report",
            "where": "report.yaml:1",
        },
    }
    return Claim(**given | about)


def rows(seed, n=120, d=10, gap=0.0):
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.arange(n) % 2)
    x = rng.normal(size=(n, d)).astype(np.float32)
    x[:, 0] += gap * y
    return x, y, [f"{seed}/{k}" for k in range(n)]


def test_A6_07_a_site_read_at_the_wrong_place_fails_the_gate(tmp_path):
    """Hugging Face and hooked activations were said to differ by design (a variance explained of -4.5)."""
    from mi.subjects.gates import Exam, examine
    from mi.subjects.load import load_hf, load_subject
    from mi.subjects.spec import subject_spec

    spec, site = subject_spec("organism"), "blocks.2.hook_resid_post"
    subject = load_subject(spec)
    exam = Exam(subject, load_hf(spec), (site,), (" The emblem of Vormont shows a wren.", " Anna is a nurse."))
    both = ("hugging-face", "transformer-lens")
    assert all(report.ok for report in examine(exam, both))
    subject.places[site] = subject.places["blocks.1.hook_resid_post"]
    assert not all(report.ok for report in examine(exam, both))


def test_A6_08_a_difference_inside_the_noise_floor_is_no_finding():
    """.670 "below" .688 on 500 examples each, where SAEBench itself allows .04 between seeds."""
    found = assess(
        claim(design="unpaired", bound=Bound("below", 0.0)),
        two_proportions(335, 500, 344, 500, unit="example", quantity="accuracy"),
    )
    assert found.verdict == "inconclusive"
    assert NOISE_FLOORS["probe accuracy"].margin > 0.688 - 0.670


def test_A6_09_one_random_set_is_no_control():
    """One draw per K; with a spread of .082 between sets that is a false pass in 18 % of cases."""
    rng = np.random.default_rng(0)
    ids = [str(k) for k in range(180)]
    circuit, one = (Sample((rng.random(180) < p).astype(float), ids) for p in (0.9, 0.6))
    with pytest.raises(Refusal, match="1 random set"):
        against_random_sets(circuit, [one])


def test_A6_10_an_unmatched_random_set_is_another_control_than_a_matched_one():
    """Sets drawn from all latents are mostly dead ones, which any circuit beats."""
    rates = {"sae": np.concatenate([np.full(40, 0.5), np.zeros(460)])}
    circuit = Circuit({"sae": tuple(range(5))})
    unmatched = [mean_rate(s, rates) for s in random_sets(circuit, rates, "any", 50, seed=0)]
    matched = [mean_rate(s, rates) for s in random_sets(circuit, rates, "matched", 50, seed=0)]
    assert np.mean(unmatched) < 0.1
    assert min(matched) == 0.5


def test_A6_11_a_paired_difference_needs_one_set_of_ids():
    """The "paired" bootstrap drew two independent sets of indices, and its interval was 2.3 times too wide."""
    a, b = np.random.default_rng(0).random((2, 40))
    ids = [str(k) for k in range(40)]
    with pytest.raises(Refusal):
        paired(Sample(a, ids), Sample(b, [*ids[1:], "other"]))


def test_A6_12_attribution_cannot_look_at_test_examples():
    """Latents were ranked on the full set, held-out examples included."""
    x, y, names = rows(0)
    held = TestSet(x, y, names, names)
    with pytest.raises(Refusal, match="training rows only"):
        top_columns(held, 3)
    leaky = FitSet(x, y, tuple(names))  # the whole set as training rows: noticed when it is tested
    with pytest.raises(Refusal, match="fitted on 120 of the texts"):
        held.outcomes(fit(leaky, columns=top_columns(leaky, 3)))


def test_A6_13_a_coefficient_is_not_judged_on_what_chose_it():
    """The best of five coefficients was reported on the 16 generations that had chosen it."""
    from mi.steering.choice import choose

    ids = [f"prompt {k}" for k in range(40)]
    rng = np.random.default_rng(0)
    best, baseline = ((rng.random(40) < p).astype(float) for p in (0.9, 0.5))
    honest = assess(claim(), paired(Sample(best, ids), Sample(baseline, ids)))
    chosen = assess(claim(), paired(Sample(best, ids, selected_on=ids), Sample(baseline, ids)))
    assert (honest.verdict, chosen.verdict) == ("pass", "inconclusive")
    row = {"arm": "latent", "coefficient": 1.0, "success": 1.0, "fluent": True}
    with pytest.raises(Refusal, match="on validation prompts"):
        choose([{**row, "split": "test"}])


def test_A6_14_a_judge_reads_text_and_nothing_of_the_model():
    """Success was a probe on the latents of the SAE that was steered along."""
    from mi.steering.judge import answer_key

    judge = answer_key("job_outdoor")
    assert judge([" farmer with a tractor", " nurse"]).tolist() == [1, 0]
    with pytest.raises(Refusal, match="shares a basis"):
        judge([np.zeros(512)])


def test_A6_15_another_concept_than_the_registered_one_cannot_pass():
    """Nurse against professor was registered, and the two most frequent classes were executed."""
    ids = [str(k) for k in range(40)]
    rng = np.random.default_rng(0)
    a, b = rng.normal(1, 0.1, 40), rng.normal(0, 0.1, 40)

    def judged(executed):
        samples = (Sample(x, ids, params={"concept": executed}) for x in (a, b))
        return assess(claim(params={"concept": "nurse"}), paired(*samples))

    assert judged("nurse").verdict == "pass"
    assert judged("professions_21_19").verdict is None


def test_A6_19_matched_decoders_are_held_against_a_null_that_is_not_zero():
    """A median cosine of .095 between decoders of 128 latents in 768 dimensions is what random ones have."""
    rng = np.random.default_rng(0)
    a, b = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in rng.normal(size=(2, 128, 768)))
    from scipy.optimize import linear_sum_assignment

    cosines = a @ b.T
    matched = cosines[linear_sum_assignment(-cosines)]
    assert np.median(matched) == pytest.approx(0.087, abs=0.005)
    report = load_report(ROOT / "claims" / "coders.yaml")
    nulls = {c.params["against"] for c in report.claims["coders.decoders-agree-across-seeds"]}
    assert len(nulls) >= 3


def test_A6_21_thirty_true_nulls_do_not_make_a_finding():
    """About twenty headline comparisons, and no correction: some claim passes in half of such reports."""
    rng = np.random.default_rng(3)
    raw = adjusted = 0
    for _ in range(100):
        p = stats.norm.sf(rng.normal(size=30))
        family = [
            {
                **{"claim": f"r.c{k}", "subject": "m", "report": "r", "family": "r", "role": "headline", "verdict": v},
                **{"p_pass": float(q), "p_fail": float(1 - q), "status": "decided", "family_size": 30, "alpha": 0.025},
            }
            for k, (q, v) in enumerate((q, "pass" if q < 0.025 else "inconclusive") for q in p)
        ]
        raw += any(r["verdict"] == "pass" for r in family)
        adjusted += any(r["family_verdict"] == "pass" for r in adjust(family))
    assert raw > 35
    assert adjusted <= stats.binom.ppf(0.999, 100, 0.025)


def test_A6_24_no_claim_on_bias_in_bios_without_the_token_only_baseline():
    """A usable probe of professions needs no language model at all: their words give them away."""
    tokens = "microscope.beyond-the-tokens"
    # They compare a procedure with itself, and say nothing of what the model represents.
    exempt = {"microscope.latent-set-leak-is-small", "microscope.saebench-probes-agree-with-probes-here"}
    exempt.add("microscope.nothing-in-nothing")
    for cells in load_report(ROOT / "claims" / "microscope.yaml").claims.values():
        for c in cells:
            if str(c.params.get("concept", "")).startswith("professions") and "baseline" not in c.params:
                assert c.id in {tokens, *exempt} or tokens in c.controls, c.label


def test_A6_01_missing_answers_do_not_shift_the_others():
    """The source's parser dropped nulls from a list and read the rest in order: .65 became .54 at 16 % failures."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 20_000).astype(bool)
    answers = [int(t if right else not t) for t, right in zip(truth, rng.random(len(truth)) < 0.65, strict=True)]
    said = [[None if rng.random() < 0.16 else a for a in answers[i : i + 5]] for i in range(0, len(answers), 5)]
    read = [v for part in said for v in parse(json.dumps(part), 5).values]
    kept = account(truth, read)
    assert kept.parse_rate == pytest.approx(0.84, abs=0.01)
    assert kept.score == pytest.approx(0.65, abs=0.015)
    dropped = [v for part in said for v in part if v is not None]
    assert account(truth[: len(dropped)], dropped).score < 0.56


def test_A6_02_the_first_hundred_latents_are_not_the_registered_ones(tmp_path):
    """delphi's max_latents takes the first ones, whatever was registered."""
    from mi.autointerp.examples import examples
    from mi.progress import SILENT

    registered = draw(16_384, 100)
    about = {"train": tmp_path, "test": tmp_path, "subject": {}, "digest": digest(registered)}
    for side in (tmp_path,):
        (side / "index.json").write_text("{}")
    with pytest.raises(Refusal, match="the registered ones"):
        examples(tmp_path, progress=SILENT, drawn=list(range(100)), **about)


def test_A6_03_a_transcoder_of_a_whole_layer_is_not_compared_with_an_SAE_of_something_else():
    """sparsify's transcode at layers.12 maps the block's input to its output, not the MLP's."""
    from fixtures.measured import Measured
    from fixtures.preconditions import require_one_site
    from mi.unit_table import UnitTable

    def table(coder, site):
        return Measured(UnitTable("latent", (), {}, {"coder": coder, "site": site}))

    require_one_site([table("sae", "blocks.12.hook_mlp_out"), table("skip-transcoder", "blocks.12.hook_mlp_out")])
    with pytest.raises(Refusal, match="coders of one site"):
        require_one_site(
            [table("sae", "blocks.12.hook_mlp_out"), table("skip-transcoder", "blocks.12.hook_resid_post")]
        )


def test_A6_16_texts_that_began_without_BOS_are_refused():
    """delphi's filter_bos deletes BOS before the model runs."""
    from types import SimpleNamespace

    from mi.autointerp.examples import _require_bos

    side = SimpleNamespace(index={"led_documents": 3, "documents": 3}, windows=None)
    vocabulary = SimpleNamespace(bos=0, specials=frozenset({0}))
    side.index["led_documents"] = 0
    with pytest.raises(Refusal, match="began without BOS"):
        _require_bos(side, vocabulary)


def test_A6_17_failures_are_counted():
    """delphi's failed_count is a number less itself."""
    answers = [None if k % 5 == 0 else 1 for k in range(100)]
    told = account([k % 2 == 0 for k in range(100)], answers)
    assert (told.missing, told.parse_rate) == (20, 0.8)


def test_A6_18_arms_that_lost_different_shares_of_their_latents_cannot_pass():
    """58 and 61 of 100 latents were scored, and those that were not are the rare ones."""
    rng = np.random.default_rng(0)
    arms = [
        Sample(rng.normal(m, 0.05, n), [f"{m} {k}" for k in range(n)], unit="latent", planned=100)
        for m, n in ((0.9, 95), (0.5, 82))
    ]
    for gap, word in ((0.0, "inconclusive"), (0.1, "inconclusive"), (0.15, "pass")):
        found = assess(claim(design="unpaired", unit="latent", coverage_gap=gap), unpaired(*arms))
        assert found.verdict == word
