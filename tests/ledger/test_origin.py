"""Where artifacts come from: handed over by tests, kept once per run, and data like everything in a ledger."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.origin import MAX_BYTES, SHORT, Origins, origin_of, origins, size, tree, tree_lines
from ledger.recorder import Recorder
from ledger.run import check_chain, read_run
from ledger.show import show_text
from ledger.verify import verify


def digest(name):
    return name.encode().hex().ljust(64, "0")


def origin(label, *inputs, **more):
    about = {"label": label, "builder": f"mi.{label}:build", "inputs": [digest(i)[:SHORT] for i in inputs]}
    built = {"version": 1, "bytes": 12_345, "seconds": 1.5, "when": "2026-11-20T12:00:00Z", "runner": "inline"}
    return about | built | {"device": "cpu"} | more


KNOWN = {
    digest("table"): origin("table", "model", "texts"),
    digest("model"): origin("model", "texts"),
    digest("texts"): origin("texts"),
    digest("gates"): origin("gates", "texts"),
}


def names(*given):
    return [digest(name) for name in given]


def shown(branches):
    return [(b.depth, b.about["label"] if b.about else b.digest) for b in branches]


# ---- what an origin is ----------------------------------------------------------------------------


def test_an_origin_keeps_what_it_knows_and_drops_the_rest():
    whole = origin("table", "model", gpu="a100", usd=0.25)
    assert origin_of({**whole, "secret": "x", "gpu": None}) == {k: v for k, v in whole.items() if k != "gpu"}
    bare = {"label": "a", "builder": "m:f", "inputs": []}
    assert origin_of(bare) == bare


@pytest.mark.parametrize(
    "wrong",
    [
        {"label": None},
        {"label": ""},
        {"label": ["x"]},
        {"label": "x" * 201},
        {"builder": 3},
        {"inputs": "abc"},
        {"inputs": ["ABCDEF012345"]},
        {"inputs": ["0" * 64]},
        {"inputs": [None]},
        {"inputs": ["0" * 12] * 1001},
        {"version": 1.5},
        {"version": True},
        {"bytes": -1},
        {"bytes": 10**18},
        {"bytes": "12"},
        {"seconds": float("inf")},
        {"seconds": True},
        {"when": "yesterday"},
        {"when": 2026},
        {"when": "2026-11-20T12:00:00Z\n"},
        {"runner": {"name": "x"}},
        {"device": 0},
        {"gpu": []},
        {"usd": -0.1},
        {"usd": float("nan")},
    ],
    ids=lambda wrong: f"{wrong!s:.40}",
)
def test_what_has_a_field_of_another_kind_is_none(wrong):
    assert origin_of({**origin("a"), **wrong}) is None


@pytest.mark.parametrize("value", [None, 3, "x", [], [origin("a")], {}])
def test_what_has_another_form_is_none(value):
    assert origin_of(value) is None


# ---- gathering ------------------------------------------------------------------------------------


def test_each_artifact_is_kept_once_and_the_first_word_counts():
    found = Origins()
    found.take(json.dumps({digest("a"): origin("a")}))
    found.take(json.dumps({digest("a"): origin("other"), digest("B".lower()): origin("b")}))
    assert found.sealed() == {"artifacts": {digest("a"): origin("a"), digest("b"): origin("b")}}


def test_a_build_that_is_known_later_than_its_recipe_is_kept():
    found, recipe = Origins(), {"label": "a", "builder": "mi.a:build", "inputs": []}
    for about in (recipe, origin("a"), recipe):
        found.take(json.dumps({digest("a"): about}))
    assert found.sealed() == {"artifacts": {digest("a"): origin("a")}}


@pytest.mark.parametrize(
    "told",
    [None, 3, b"{}", "", "x", "[]", "null", "[" * 100_000, '{"a": {}}', json.dumps({"A" * 64: origin("a")}), object()],
    ids=lambda told: f"{told!s:.20}",
)
def test_what_somebody_else_calls_so_is_nothing(told):
    found = Origins()
    found.take(told)
    assert found.sealed() == {}


def test_a_broken_one_costs_itself_alone():
    found = Origins()
    found.take(json.dumps({digest("a"): {"label": 3}, "short": origin("b"), digest("c"): origin("c")}))
    assert list(found.sealed()["artifacts"]) == [digest("c")]


def test_a_seal_is_no_endless_line():
    found = Origins()
    for k in range(0, 6000, 100):
        found.take(json.dumps({f"{k + i:064x}": origin("x" * 180) for i in range(100)}))
        found.take(json.dumps({f"{k + i:064x}": origin("x" * 180) for i in range(100)}))
    sealed = found.sealed()
    assert len(json.dumps(sealed)) <= MAX_BYTES + 100
    assert sealed["artifacts_left_out"] == 6000 - len(sealed["artifacts"]) > 0


# ---- in a run -------------------------------------------------------------------------------------


@pytest.fixture
def record(tmp_path, mixed):
    def run(*told, artifacts=(), id="2026-11-20T120000Z-aaaaaa"):
        recorder = Recorder(tmp_path, tmp_path / ".ledger/runs", id, ["pytest"])
        for k, (row, stored) in enumerate(mixed):
            recorder.take({**row, "artifacts": list(artifacts)} if k == 0 else row, stored)
        for one in told:
            recorder.origins.take(one)
        recorder.close(0)
        return read_run(recorder.path)

    return run


def test_the_seal_keeps_them_and_the_run_verifies(record):
    with_them, without = record(json.dumps(KNOWN)), record(id="2026-11-20T130000Z-bbbbbb")
    assert origins(with_them) == KNOWN
    assert origins(without) == {}
    assert "artifacts" not in without.seal
    assert verify(with_them).problems == verify(without).problems == []


def test_one_that_was_edited_into_something_else_is_left_out(record):
    """The chain ends with the seal, and cannot tell: see docs/design/0006."""
    run = record(json.dumps(KNOWN))
    run.path.write_bytes(run.path.read_bytes().replace(b'"bytes":12345', b'"bytes":"x"', 1))
    assert len(origins(read_run(run.path))) == len(KNOWN) - 1
    assert check_chain(run.path) == []


def test_rows_stay_as_they_were(record):
    with_them, without = record(json.dumps(KNOWN)), record(id="2026-11-20T130000Z-bbbbbb")
    volatile = {"run", "time", "prev"}
    assert [{k: v for k, v in r.items() if k not in volatile} for r in with_them.rows] == [
        {k: v for k, v in r.items() if k not in volatile} for r in without.rows
    ]


def test_three_hundred_artifacts_take_less_than_100_kB():
    known = {
        f"{k:064x}": origin(f"reconstruction skip-seed{k} held-out · organism")
        | {"builder": "mi.metrics.reconstruction:reconstruction", "inputs": ["0123456789ab"] * 2}
        for k in range(300)
    }
    found = Origins()
    found.take(json.dumps(known))
    assert len(json.dumps(found.sealed(), separators=(",", ":"))) < 100_000
    assert len(found.sealed()["artifacts"]) == 300


@pytest.mark.parametrize(
    "artifacts", [None, 3, [], "x", {"x": 1}, {digest("a"): None}, {digest("a"): {"label": "<b>"}}]
)
def test_a_forged_seal_is_data(record, artifacts):
    run = record()
    run.seal["artifacts"] = artifacts
    assert origins(run) == {}
    assert "paper.wins" in show_text(run, "wins", None)


def test_a_run_without_seal_has_none(record):
    run = record(json.dumps(KNOWN))
    run.seal = None
    assert origins(run) == {}


# ---- the tree -------------------------------------------------------------------------------------


def test_inputs_stand_below_what_they_were_made_for_and_each_once():
    branches = tree(KNOWN, names("table", "gates"))
    assert shown(branches) == [(0, "table"), (1, "model"), (2, "texts"), (0, "gates")]
    assert [b.also for b in branches] == [(digest("texts"),), (), (), (digest("texts"),)]


def test_what_the_row_names_and_something_else_needs_stands_below_it():
    assert shown(tree(KNOWN, names("texts", "model", "table"))) == [(0, "table"), (1, "model"), (2, "texts")]


def test_what_is_not_known_is_named():
    known = {digest("table"): origin("table", "lost")}
    lost = digest("lost")[:SHORT]
    branches = tree(known, [*names("table"), "published.csv@sha256:12"])
    assert shown(branches) == [(0, "table"), (1, lost), (0, "published.csv@sha256:12")]


def test_an_input_that_two_artifacts_could_be_is_neither():
    twins = [digest("twin")[:SHORT].ljust(64, end) for end in "01"]
    known = {t: origin("twin") for t in twins} | {digest("table"): origin("table", "twin")}
    assert shown(tree(known, names("table"))) == [(0, "table"), (1, digest("twin")[:SHORT])]


graphs = st.dictionaries(st.integers(0, 30), st.lists(st.integers(0, 30), max_size=4), min_size=1, max_size=20)


@given(graphs, st.lists(st.integers(0, 30), max_size=6))
def test_every_reachable_artifact_stands_there_once_whatever_refers_to_what(graph, roots):
    """Also where artifacts need each other, as only a forged seal says."""
    known = {digest(f"n{k}"): origin(f"n{k}", *(f"n{i}" for i in below)) for k, below in graph.items()}
    branches = tree(known, names(*(f"n{k}" for k in roots)))
    reached, todo = set(), list(roots)
    while todo:
        k = todo.pop()
        if k not in reached:
            reached.add(k)
            todo += graph.get(k, [])
    seen = [b.digest[:SHORT] for b in branches]
    assert len(seen) == len(set(seen))
    assert set(seen) == {digest(f"n{k}")[:SHORT] for k in reached}
    for k, branch in enumerate(branches):
        parent = next((b for b in reversed(branches[:k]) if b.depth == branch.depth - 1), None)
        assert branch.depth == 0 or branch.digest[:SHORT] in parent.about["inputs"]
    edges = sum(b.depth > 0 for b in branches) + sum(len(b.also) for b in branches)
    assert edges == sum(len(set(b.about["inputs"])) for b in branches if b.about)


def test_an_endless_chain_ends():
    known = {digest(f"{k}"): origin("x", f"{k + 1}") for k in range(5000)}
    lines = list(tree_lines(tree(known, names("0"))))
    assert len(lines) == 5001
    assert max(len(line) for line in lines) < 300


def test_lines_say_what_is_known(record):
    known = KNOWN | {digest("model"): origin("model", "texts", gpu="a100", device="NVIDIA A100", usd=1.5)}
    table, model, texts = tree_lines(tree(known, names("table")))
    assert table == (
        f"table  {digest('table')[:SHORT]}  mi.table:build version 1  12.3 kB  1.5 s  inline on cpu  "
        f"2026-11-20T12:00:00Z  and from {digest('texts')[:SHORT]}"
    )
    assert model.startswith("  model  ")
    assert "inline on NVIDIA A100  $1.50  2026" in model
    assert texts.startswith("    texts  ")
    data = "tables.json@sha256:2cfe4a733bc3878d"
    assert list(tree_lines(tree({}, [data]))) == [f"{data}  published data file"]
    bare = {digest("a"): {"label": "a", "builder": "m:f", "inputs": []}}
    assert list(tree_lines(tree(bare, names("a", "b")))) == [
        f"a  {digest('a')[:SHORT]}  m:f",
        f"{digest('b')[:SHORT]}  origin not known",
    ]


def test_show_prints_the_tree_of_a_row_and_nothing_for_another(record):
    run = record(json.dumps(KNOWN), artifacts=names("table"))
    text = show_text(run, "wins", None)
    assert "\n  artifacts, and below each what it was made from:\n    table  " in text
    assert "\n      model  " in text
    assert "\n  artifacts  " not in text
    assert "made from" not in show_text(run, "loses", None)


def test_older_runs_show_names_alone(record):
    text = show_text(record(artifacts=names("table")), "wins", None)
    assert f"\n  artifacts      {digest('table')}\n" in text
    assert "made from" not in text


def test_hostile_text_moves_no_cursor(record):
    hostile = origin("a\x1b[2J\u202eb", runner="x\ny", device="\x00")
    run = record(json.dumps({digest("table"): hostile}), artifacts=names("table"))
    text = show_text(run, "wins", None)
    assert "a [2J b" in text
    assert not any(c in text for c in "\x1b\u202e\x00")


@pytest.mark.parametrize(
    ("n", "said"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (2 * 10**12, "2000.0 GB"),
    ],
)
def test_sizes(n, said):
    assert size(n) == said
