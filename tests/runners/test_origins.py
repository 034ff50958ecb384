"""A test tells where its artifacts came from; the run's seal keeps it, and nothing else does."""

import json

import pytest
from toy_builders import toy

from ledger.origin import origins, tree
from ledger.run import read_run
from ledger.show import show_text
from ledger.verify import verify

REGISTERED = {
    "statement": "It is above 0.",
    "quantity": "score",
    "unit": "prompt",
    "design": "mean",
    "above": 0.0,
    "subjects": {"organism": {}},
}
BODY = """
from mi.claimable import Sample
UP = [1.0, 1.2, 0.8] * 10

def table(text):
    below = toy("write", text="below", label="model")
    return toy("write", text=text, inputs={"x": below, "y": below}, label=f"table {text}")

@pytest.mark.claim("demo.a")
def test_a(runner, judge):
    judge(Sample(UP, sources=[runner.build(table("one")).digest]))

@pytest.mark.claim("demo.b")
def test_b(runner, judge):
    judge(Sample([x + 1 for x in UP], sources=[runner.build(table("two")).digest]))

@pytest.mark.claim("demo.c")
def test_c(judge):
    judge(Sample([x + 2 for x in UP]))

def test_plain(runner):
    runner.build(toy("write", text="plain"))

"""
WITH_CLAIMS = ("-p", "ledger.plugin")


@pytest.fixture
def claims(project):
    claims = dict.fromkeys("abc", REGISTERED)
    (project.pytester.path / "demo.yaml").write_text(json.dumps({"report": "demo", "claims": claims}))
    project.write(BODY)
    return project


def last(project):
    return read_run(max((project.pytester.path / ".ledger/runs").glob("*.jsonl")))


@pytest.mark.parametrize("options", [[], ["-p", "xdist", "-n", "2"]], ids=["alone", "xdist"])
def test_the_seal_knows_them_with_their_inputs(claims, options):
    claims.run_apart(*WITH_CLAIMS, *options).assert_outcomes(passed=4)
    run = last(claims)
    known = origins(run)
    assert sorted(about["label"] for about in known.values()) == ["model", "table one", "table two"]
    (named,) = run.rows[0]["artifacts"]
    table, model = tree(known, [named])
    assert (table.about["label"], table.depth, model.about["label"], model.depth) == ("table one", 0, "model", 1)
    manifest = claims.store.peek(named)
    built = ("seconds", "runner", "device")
    assert {k: table.about[k] for k in built} == {k: getattr(manifest, k) for k in built}
    assert table.about["bytes"] == manifest.bytes
    assert table.about["when"] == manifest.when.replace("+00:00", "Z")
    assert (table.about["builder"], table.about["version"]) == ("toy_builders:write", 1)
    assert {"gpu", "usd"}.isdisjoint(table.about)
    assert verify(run).problems == []
    assert "    table one  " in show_text(run, "demo.a", None)
    assert run.rows[2]["artifacts"] == []


def test_a_warm_session_knows_the_same_although_it_opens_no_input(claims):
    seen = []
    for _ in range(2):
        claims.run_apart(*WITH_CLAIMS)
        seen.append(last(claims).seal["artifacts"])
    assert seen[0] == seen[1]


def test_an_input_that_is_gone_is_still_named(claims):
    claims.run_apart(*WITH_CLAIMS)
    model = toy("write", text="below", label="model")
    claims.store.remove(model.digest)
    claims.run_apart(*WITH_CLAIMS)
    assert origins(last(claims))[model.digest] == {
        "label": "model",
        "builder": "toy_builders:write",
        "version": 1,
        "inputs": [],
    }
    assert claims.store.peek(model.digest) is None


def test_what_was_spent_on_a_build_is_said(claims):
    """Money is known from the journal, by whatever runner it was spent, and the kind of GPU from the recipe."""
    model = toy("write", text="below", label="model")
    journal = claims.pytester.path / ".ledger/spending.jsonl"
    journal.parent.mkdir()
    about = {"key": "k", "session": "s", "engine": "modal", "recipe": model.digest, "label": "model", "build": "x:y"}
    usd = {"usd_per_second": 0.001, "estimate_usd": 0.6, "worst_usd": 1.0}
    start = {"record": "start", **about, "gpu": "A100", **usd, "when": "2026-11-20T12:00:00Z"}
    end = {"record": "end", "key": "k", "usd": 0.42, "seconds": 1, "how": "built", "when": "2026-11-20T12:01:00Z"}
    journal.write_text(json.dumps(start) + "\n" + json.dumps(end) + "\n")
    claims.run_apart(*WITH_CLAIMS).assert_outcomes(passed=4)
    known = origins(last(claims))
    assert {about["label"]: about.get("usd") for about in known.values()} == {
        "model": 0.42,
        "table one": None,
        "table two": None,
    }


def test_a_broken_journal_costs_no_verdict(claims):
    journal = claims.pytester.path / ".ledger/spending.jsonl"
    journal.parent.mkdir()
    journal.write_text("no record\n{}\n")
    claims.run_apart(*WITH_CLAIMS).assert_outcomes(passed=4)
    assert len(origins(last(claims))) == 3


def test_what_could_not_be_built_has_no_origin(claims):
    claims.write(
        BODY.replace(
            'judge(Sample(UP, sources=[runner.build(table("one"))',
            'judge(Sample(UP, sources=[runner.build(toy("fails"))',
        )
    )
    claims.run_apart(*WITH_CLAIMS)
    assert sorted(about["label"] for about in origins(last(claims)).values()) == ["model", "table two"]


def test_junit_is_not_filled_with_them(claims):
    claims.run_apart(*WITH_CLAIMS, "--junitxml=out.xml")
    text = (claims.pytester.path / "out.xml").read_text()
    assert "demo.a" in text
    assert "origins" not in text


def test_an_input_that_stays_elsewhere_is_known_from_its_manifest_and_stays_there(project):
    """And the kind of GPU is the one that the recipe asks for."""
    project.write(
        """
        import json
        from runners.elsewhere import Elsewhere
        from runners.recipe import Recipe, Resources

        class Storage:
            name = "far away"

        def test_one(runner, monkeypatch):
            model = toy("write", text="below", label="model")
            table = toy("write", text="top", inputs={"x": model})
            runner.build(table)
            kept = runner.store.peek(model.digest)
            runner.store.remove(model.digest)
            asked = Recipe(table.build, 1, table.params, table.inputs, Resources(gpu="A100"))
            runner.asked[table.digest] = asked
            monkeypatch.setattr(runner.conductor.engine, "storage", Storage(), raising=False)
            monkeypatch.setattr(runner.conductor, "_elsewhere", Elsewhere(runner.store, Storage()))
            runner.conductor._elsewhere.remember(kept.to_text())
            told = json.loads(runner.origins())
            assert told[model.digest]["seconds"] == kept.seconds
            assert told[model.digest]["bytes"] == kept.bytes
            assert told[table.digest]["gpu"] == "A100"
            assert "gpu" not in told[model.digest]
            assert runner.store.peek(model.digest) is None
        """
    )
    project.run_apart().assert_outcomes(passed=1)


def test_without_the_court_nothing_changes(project):
    project.write("def test_it(runner, request): runner.build(toy('write'))\n")
    project.run_apart().assert_outcomes(passed=1)
    assert not (project.pytester.path / ".ledger").exists()
