"""The pack's expected verdicts on per-example data, recomputed without ``mi`` or ``ledger``'s statistics.

Many of these expectations were written after the numbers had been seen through ``mi``; this is what makes them more
than a copy of its output. Means: scipy's BCa bootstrap. Outcomes: exact binomial intervals, and Tango's score
interval for pairs, solved here. Where a method this different lands on the other side, the cell is named.
"""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from scipy import optimize, stats

CLAIMS = Path(__file__).resolve().parents[2] / "claims"
PROBES = list(csv.DictReader((CLAIMS / "data/sae_probes_auc_gemma-2-9b_L20.csv").open()))
REFUSAL = json.loads((CLAIMS / "data/refusal_ablation_outcomes.json").read_text())["models"]
BORDERLINE = {
    # Hall's t [-.0404, ...], BCa [-.0398, ...], margin .04
    ("within-the-noise-floor", "gemma-2-9b", 128, 0.3),
    # Bonett-Price [.489, ...], Tango [.502, ...], bound .5
    ("ablation-raises-asr-by-half", "yi-6b-chat", "substring_matching"),
}


def auc(probe, setting):
    found = {r["dataset"]: float(r["test_auc"]) for r in PROBES if (r["probe"], r["setting"]) == (probe, setting)}
    return np.array([found[name] for name in sorted(found)])


def gain(k, noise):
    return auc(f"sae16k_k{k}", f"label_noise_{noise}") - auc("logreg_layer20", f"label_noise_{noise}")


def outcomes(model, intervention, judge):
    return np.array([int(c) for c in REFUSAL[model][intervention][judge]])


def bca(x):
    found = stats.bootstrap((x,), np.mean, n_resamples=9999, method="BCa", rng=np.random.default_rng(0))
    return found.confidence_interval


def exact(x):
    return stats.binomtest(int(x.sum()), len(x)).proportion_ci(0.95, method="exact")


def tango(a, b):
    """Tango's (1998) score interval for a difference of paired proportions, by its own constrained estimate."""
    n, only_a, only_b = len(a), int(((a == 1) & (b == 0)).sum()), int(((a == 0) & (b == 1)).sum())

    def z(delta):
        p = 2 * n
        q = (2 * n + only_a - only_b) * delta - only_a - only_b
        r = -only_b * delta * (1 - delta)
        p21 = (np.sqrt(q * q - 4 * p * r) - q) / (2 * p)
        return (only_a - only_b - n * delta) / np.sqrt(n * (2 * p21 + delta * (1 - delta)))

    at, edge = (only_a - only_b) / n, 1 - 1e-9
    return optimize.brentq(lambda d: z(d) - 1.959964, -edge, at), optimize.brentq(lambda d: z(d) + 1.959964, at, edge)


def both(model, judges=("substring_matching", "llamaguard2")):
    return [outcomes(model, "ablation", j) - outcomes(model, "baseline", j) for j in judges]


def ablated(model):
    return [outcomes(model, "ablation", j) for j in ("substring_matching", "llamaguard2")]


RECOMPUTED = {
    "tokens-are-not-enough": lambda s: bca(auc("logreg_layer20", "clean") - auc("logreg_layerembed", "clean")),
    "token-level-data-sets-are-rare": lambda s: exact(
        auc("logreg_layer20", "clean") - auc("logreg_layerembed", "clean") <= 0.02
    ),
    "non-inferior": lambda s, k, noise: bca(gain(k, noise)),
    "wins-under-label-noise": lambda s, k, noise: bca(gain(k, noise)),
    "within-the-noise-floor": lambda s, k, noise: bca(gain(k, noise)),
    "noise-flips-the-sign": lambda s: bca(gain(16, 0.45) - gain(16, 0.0)),
    "more-latents-help-on-clean-labels": lambda s: bca(gain(128, 0.0) - gain(16, 0.0)),
    "more-latents-hurt-under-label-noise": lambda s: bca(gain(128, 0.45) - gain(16, 0.45)),
    "wins-on-most-data-sets": lambda s, noise: exact(gain(16, noise) > 0),
    "baseline-refuses": lambda s, judge_name: exact(outcomes(s, "baseline", judge_name)),
    "ablation-raises-asr": lambda s, judge_name: tango(
        outcomes(s, "ablation", judge_name), outcomes(s, "baseline", judge_name)
    ),
    "effect-does-not-depend-on-judge": lambda s: bca(both(s)[0] - both(s)[1]),
    "substring-judge-reads-more": lambda s: tango(*ablated(s)),
    "judges-agree": lambda s: exact(np.equal(*ablated(s))),
}
RECOMPUTED["ablation-raises-asr-by-half"] = RECOMPUTED["ablation-raises-asr"]


def cells():
    for report in ("sae-probes", "refusal-direction"):
        for name, claim in yaml.safe_load((CLAIMS / f"{report}.yaml").read_text())["claims"].items():
            for subject, on in claim["subjects"].items():
                for cell in on.get("cells", [{"params": {}}]):
                    expected = cell.get("expected", on.get("expected"))["verdict"]
                    label = f"{name}-{subject}-{cell['params']}"
                    yield pytest.param(name, claim, subject, cell["params"], expected, id=label)


def verdict(claim, lo, hi):
    if "within" in claim:
        m = claim["within"]
        return "pass" if -m < lo and hi < m else "fail" if lo > m or hi < -m else "inconclusive"
    passed, failed = (
        (lo > claim["above"], hi < claim["above"]) if "above" in claim else (hi < claim["below"], lo > claim["below"])
    )
    return "pass" if passed else "fail" if failed else "inconclusive"


@pytest.mark.parametrize(("name", "claim", "subject", "params", "expected"), list(cells()))
def test_the_expected_verdict_comes_out_of_another_method(name, claim, subject, params, expected):
    lo, hi = RECOMPUTED[name](subject, **params)
    found = verdict(claim, lo, hi)
    if (name, subject, *params.values()) in BORDERLINE:
        assert found != expected, "no longer borderline: take it off the list"
    else:
        assert found == expected, f"[{lo:.4f}, {hi:.4f}]"
