"""Runs of delphi, really run here with a scripted client, as our accounting has them."""

import asyncio
import json
import logging
import re
import subprocess
import sys
import textwrap
from math import isnan
from zlib import crc32

import pytest
from delphi_script import GARBAGE, listed, perfect, record, run_delphi

from mi import claimable
from mi.autointerp.delphi_run import UNPARSED, read_run
from mi.refusal import Refusal

HOOK, SHOWN = "layers.1", 5


@pytest.fixture(scope="module")
def delphi(tmp_path_factory):
    """``delphi(behave, ...)`` runs delphi's explainer and classifiers: ``(folder, client)``."""
    from mi.autointerp.delphi_engine import load

    c = load("delphi.config")

    def run(behave=perfect, latents=range(4), hookpoint=HOOK, n=(10, 10), max_latents=6, shown=SHOWN, name="mine"):
        folder = tmp_path_factory.mktemp("results") / name
        folder.mkdir()
        records = [record(i, hookpoint, *n) for i in latents]
        logging.disable(logging.ERROR)
        try:
            client = asyncio.run(run_delphi(folder, behave, records, shown))
        finally:
            logging.disable(logging.NOTSET)
        config = c.RunConfig(
            c.CacheConfig(), c.ConstructorConfig(), c.SamplerConfig(), model="gpt2", sparse_model="me/saes"
        )
        config.max_latents, config.num_examples_per_scorer_prompt = max_latents, shown
        config.save_json(folder / "run_config.json", indent=4)
        return folder, client

    return run


@pytest.fixture(scope="module")
def clean(delphi):
    return delphi()[0]


def test_a_clean_run_is_read_as_it_was_answered(clean):
    run = read_run(clean)
    assert (run.hookpoint, run.asked, run.coder) == (HOOK, 6, "me/saes")
    assert run.explanations == {0: "windows of latent0", 1: "windows of latent1", 2: None, 3: "windows of latent3"}
    assert run.parse_rate == {"detection": 1.0, "fuzzing": 1.0}
    for of in run.answers.values():
        assert sorted(of) == [0, 1, 2, 3]
        for a in of.values():
            assert (a.account.score, a.per_class, a.short) == (1.0, (10, 10), 0)
            assert a.repeated == 1  # silent window 0 was drawn twice


def test_what_was_no_explanation_is_not_scored_as_one(clean):
    run = read_run(clean)
    assert json.loads((clean / f"explanations/{HOOK}_latent2.txt").read_text()) == UNPARSED
    assert run.answers["detection"][2].account.score == 1.0  # delphi scored it all the same
    found = run.sample("detection")
    assert found.units == tuple(f"me/saes {HOOK} {n}" for n in (0, 1, 3))
    assert (found.planned, found.excluded) == (6, 3)
    assert run.coverage == {"detection": 0.5, "fuzzing": 0.5}


@pytest.mark.parametrize(("bad", "rate"), [(0, 1.0), (1, 0.75), (3, 0.25)])
def test_the_parse_rate_is_the_one_that_was_planted(delphi, bad, rate):
    seen = {}

    def behave(latent, texts):
        seen[latent] = seen.get(latent, -1) + 1
        return GARBAGE if seen[latent] % 4 < bad else perfect(latent, texts)

    run = read_run(delphi(behave)[0])
    assert run.parse_rate == {"detection": rate, "fuzzing": rate}
    assert run.sample("detection", "parse_rate").values.tolist() == [rate] * 3
    # The answers that are left are right: dropping the others shows it, counting them as wrong does not.
    assert run.sample("detection", parsed=rate).values.tolist() == [1.0] * 3
    assert run.sample("fuzzing", "nulls_wrong", parsed=rate).values == pytest.approx([rate] * 3)
    if rate < 0.98:
        with pytest.raises(Refusal, match="could be read"):
            run.sample("detection")


def test_answers_keep_their_places_between_missing_ones(delphi):
    """The parser that dropped missing predictions and zipped the rest put answers beside other windows."""

    def behave(latent, texts):
        return GARBAGE if any("window3 " in t for t in texts) else perfect(latent, texts)

    run = read_run(delphi(behave)[0])
    assert run.parse_rate["detection"] < 1
    assert run.sample("detection", parsed=0.5).values.tolist() == [1.0] * 3


def test_null_becomes_no_in_delphi_and_cannot_be_told_apart(delphi):
    def behave(latent, texts):
        return json.dumps([None if t == 1 else t for t in listed(texts)])

    run = read_run(delphi(behave)[0])
    assert run.parse_rate["detection"] == 1.0  # an upper limit, as the docstring says
    assert all(a.account.score == 0.5 for a in run.answers["detection"].values())


def test_the_last_short_question_is_lost_and_counted(delphi):
    folder, client = delphi(n=(10, 12))
    assert {len(texts) for texts, _ in client.said} == {5, 2}  # and the scorer answered both kinds rightly
    run = read_run(folder)
    assert all((a.short, a.account.missing, a.account.n) == (2, 2, 22) for a in run.answers["detection"].values())
    assert run.parse_rate["detection"] == pytest.approx(20 / 22)


def test_one_class_is_not_measurable_and_not_zero(delphi):
    run = read_run(delphi(lambda latent, texts: GARBAGE if "fires" in " ".join(texts) else perfect(latent, texts))[0])
    accounts = [a.account for a in run.answers["detection"].values()]
    assert all(isnan(a.score) for a in accounts if a.missing >= 10)
    kept = sum(not isnan(run.answers["detection"][n].account.score) for n in (0, 1, 3))
    assert run.coverage["detection"] == kept / 6


def test_a_hookpoint_does_not_take_the_files_of_a_longer_one(delphi, tmp_path):
    """delphi's own log looks for ``*layers.1*``, which finds layers.10 as well."""
    one, other = delphi()[0], delphi(hookpoint="layers.10", latents=(0, 5))[0]
    for path in other.rglob("*_latent*.txt"):
        path.rename(one / path.relative_to(other))
    assert len(list((one / "scores/detection").glob(f"*{HOOK}*"))) == 6
    assert sorted(read_run(one, HOOK).answers["detection"]) == [0, 1, 2, 3]
    assert sorted(read_run(one, "layers.10").answers["detection"]) == [0, 5]
    assert sorted(read_run(one, HOOK).explanations) == [0, 1, 2, 3]
    for wanted in (None, "layers"):
        with pytest.raises(Refusal, match=r"one of layers\.1, layers\.10"):
            read_run(one, wanted)


def test_hookpoints_with_slashes(delphi):
    from mi.autointerp.delphi_engine import load

    folder, _ = delphi(latents=range(3))
    name = str(load("delphi.latents.latents").Latent("layer_12/width_16k", 1)).replace("/", "--")
    path = folder / f"scores/detection/{name}.txt"
    path.write_bytes((folder / f"scores/detection/{HOOK}_latent1.txt").read_bytes())
    assert sorted(read_run(folder, "layer_12/width_16k").answers["detection"]) == [1]


class TestHowManyWereAskedFor:
    def config(self, folder, **changes):
        path = folder / "run_config.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))

    def test_a_list_binds(self, clean):
        run = read_run(clean, asked=[1, 3, 400, 7])
        assert sorted(run.answers["detection"]) == [1, 3]
        assert run.coverage["detection"] == 0.5
        assert run.sample("detection").planned == 4

    def test_the_cache_knows_the_width(self, delphi):
        folder, _ = delphi(max_latents=None)
        (folder / "latents" / HOOK).mkdir(parents=True)
        for name in ("0_15", "16_31"):
            (folder / "latents" / HOOK / f"{name}.safetensors").touch()
        assert read_run(folder).asked == 32
        self.config(folder, max_latents=100)
        assert read_run(folder).asked == 32  # arange(100) of 32 latents

    def test_survivors_of_nobody_knows_how_many_are_refused(self, delphi):
        run = read_run(delphi(max_latents=None)[0])
        assert run.coverage == {"detection": None, "fuzzing": None}
        with pytest.raises(Refusal, match="unknown number of latents"):
            run.sample("detection")
        assert read_run(delphi(max_latents=None)[0], asked=10).sample("detection").excluded == 7

    def test_files_of_another_run_are_refused(self, delphi):
        folder, _ = delphi(max_latents=4)
        self.config(folder, max_latents=3)
        with pytest.raises(Refusal, match="remove the files of earlier runs"):
            read_run(folder)
        with pytest.raises(Refusal, match="2 scored latents up to 7, of 6"):
            read_run(delphi(latents=(0, 7))[0])
        with pytest.raises(Refusal, match="4 scored latents"):
            read_run(delphi(max_latents=None)[0], asked=3)


def edited(folder, **changes):
    path = folder / f"scores/detection/{HOOK}_latent0.txt"
    rows = json.loads(path.read_text())
    path.write_text(json.dumps([{**rows[0], **changes}, *rows[1:]]))


@pytest.mark.parametrize(
    "damage",
    [
        lambda f: edited(f, correct=False),
        lambda f: edited(f, prediction=1),
        lambda f: edited(f, activating=None),
        lambda f: (f / f"scores/fuzz/{HOOK}_latent1.txt").write_text("[]"),
        lambda f: (f / f"scores/fuzz/{HOOK}_latent1.txt").write_text('[{"text": "x", "similarity": 1}]'),
        lambda f: (f / f"scores/fuzz/{HOOK}_latent1.txt").write_text('[{"str_tok'),
        lambda f: (f / f"explanations/{HOOK}_latent1.txt").write_text("3"),
        lambda f: (f / "run_config.json").unlink(),
        lambda f: (f / "run_config.json").write_text("[]"),
    ],
)
def test_a_file_that_is_none_of_delphis_is_refused(delphi, damage):
    """delphi's own log prints a line and leaves the latent out."""
    folder, _ = delphi(latents=range(2))
    damage(folder)
    with pytest.raises(Refusal, match=r"^mine/(scores|explanations|run_config)"):
        read_run(folder)


def test_the_pickle_is_never_opened(delphi):
    folder, _ = delphi()
    before = read_run(folder).source
    (folder / "log").mkdir()
    (folder / "log/hookpoint_firing_counts.pt").write_bytes(b"cos\nsystem\n(S'exit 1'\ntR.")
    assert read_run(folder).source == before


def test_other_scorers_are_left_out(delphi):
    folder, _ = delphi(latents=range(2))
    (folder / "scores/simulation").mkdir()
    (folder / f"scores/simulation/{HOOK}_latent0.txt").write_text('{"ev_correlation_score": 0.3}')
    assert sorted(read_run(folder).answers) == ["detection", "fuzzing"]


def test_reading_loads_no_engine(clean):
    code = (
        "import sys; from mi.autointerp import cards; from mi.autointerp.delphi_run import read_run; "
        f"read_run({str(clean)!r}).sample('fuzzing'); "
        "sys.exit(bool({'torch', 'delphi', 'transformers', 'pandas', 'sklearn'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_source_is_the_content(delphi):
    folder, _ = delphi()
    before = read_run(folder).source
    assert re.fullmatch(r"mine@sha256:[0-9a-f]{16}", before)
    edited(folder, distance=3)
    assert read_run(folder).source != before


def test_wrong_names_are_refused(clean, tmp_path):
    run = read_run(clean)
    for kind, column in (("simulation", "score"), ("detection", "f1")):
        with pytest.raises(Refusal, match="one of score, nulls_wrong, parse_rate of detection, fuzzing"):
            run.sample(kind, column)
    with pytest.raises(Refusal, match="run_config"):
        read_run(tmp_path)


def test_paths_of_machines_stay_where_they_are(delphi):
    folder, _ = delphi()
    TestHowManyWereAskedFor().config(folder, sparse_model="/home/somebody/saes/wide", explainer_model="/models/qwen")
    found = read_run(folder).sample("fuzzing")
    assert found.units[0] == f"saes/wide {HOOK} 0"
    assert "somebody" not in json.dumps([found.params, found.units])
    assert found.params["scorer"] == "models/qwen"


def test_two_scorers_pair_and_two_coders_do_not(delphi):
    noisy = delphi(lambda n, texts: json.dumps([1] * len(texts) if n % 3 else listed(texts)), range(20), max_latents=20)
    exact, other = delphi(latents=range(20), max_latents=20)[0], delphi(latents=range(20), max_latents=20)[0]
    TestHowManyWereAskedFor().config(other, sparse_model="me/transcoders")
    a, b, c = (read_run(f).sample("detection") for f in (exact, noisy[0], other))
    assert (a - b).n == 19
    assert set(a.units) & set(c.units) == set()
    with pytest.raises(Refusal, match="same unit ids"):
        claimable.paired(a, c)


def test_a_run_can_be_judged(delphi, pytester):
    """A claim on somebody's folder, with nothing but the plugin: one passes, one may not for what is missing."""

    def behave(latent, texts):
        return json.dumps(
            [t if crc32(f"{latent}{x}".encode()) % 8 else 1 - t for t, x in zip(listed(texts), texts, strict=True)]
        )

    folder, _ = delphi(behave, latents=[n for n in range(30) if n != 2], max_latents=30, n=(20, 20))
    entry = {"quantity": "balanced accuracy", "unit": "latent", "design": "mean", "above": 0.6}
    report = {"report": "theirs", "claims": {}}
    for name, expected in (("detects", "pass"), ("covers", "inconclusive")):
        subjects = {"gpt2": {"expected": expected}}
        report["claims"][name] = {"statement": "Explanations predict.", "subjects": subjects, **entry}
    (pytester.path / "claims").mkdir()
    (pytester.path / "claims/theirs.yaml").write_text(json.dumps(report))
    code = f"""
        import pytest
        from mi.autointerp.delphi_run import read_run
        from mi.claimable import mean

        @pytest.mark.claim("theirs.detects")
        def test_detects(judge):
            judge(mean(read_run({str(folder)!r}).sample("detection")), above=0.6)

        @pytest.mark.claim("theirs.covers")
        def test_covers(judge):
            judge(mean(read_run({str(folder)!r}, asked=[*range(30), *range(100, 200)]).sample("detection")), above=0.6)
    """
    (pytester.path / "claims/test_theirs.py").write_text(textwrap.dedent(code))
    pytester.makeini("[pytest]\naddopts = -p ledger.plugin -p no:mi_assay\n")
    pytester.runpytest_inprocess("claims")
    rows = [
        json.loads(line)
        for path in (pytester.path / ".ledger/runs").glob("*[0-9a-f].jsonl")
        for line in path.read_text().splitlines()
    ]
    found = {r["claim"]: r for r in rows if r.get("record") == "row"}
    assert found["theirs.detects"]["verdict"] == "pass"
    assert found["theirs.detects"]["n"] == 29
    assert found["theirs.covers"]["verdict"] == "inconclusive"
    assert "exclusions" in found["theirs.covers"]["flags"]
