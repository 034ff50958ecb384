"""Registration: every rule of the schema, each broken once, and what a valid file becomes."""

import re
from textwrap import dedent

import pytest

from ledger.errors import RegistrationError
from ledger.registry import find_report, load_report
from ledger.verdict import Bound

GAP = """\
report: paper
claims:
  gap:
    statement: Ours beats theirs.
    quantity: accuracy
    unit: prompt
    design: paired
    above: 0.02
    subjects:
      organism: {}
"""


@pytest.fixture
def load(tmp_path):
    def read(text, name="paper"):
        path = tmp_path / f"{name}.yaml"
        path.write_text(dedent(text))
        return load_report(path)

    return read


def changed(old, new):
    assert GAP.count(old) == 1
    return GAP.replace(old, new)


BROKEN = {
    "no statement": (changed("    statement: Ours beats theirs.\n", ""), "paper.yaml:3: claims.gap: 'statement'"),
    "no subjects": (changed("    subjects:\n      organism: {}\n", ""), "paper.yaml:3: claims.gap: 'subjects'"),
    "no quantity": (changed("    quantity: accuracy\n", ""), "paper.yaml:3: claims.gap: 'quantity' is missing"),
    "no unit": (changed("    unit: prompt\n", ""), "paper.yaml:3: claims.gap: 'unit' is missing"),
    "no design": (changed("    design: paired\n", ""), "paper.yaml:3: claims.gap: 'design' is missing"),
    "no report": (changed("report: paper\n", ""), "paper.yaml:1: (top level): 'report'"),
    "no claims": ("report: paper\n", "paper.yaml:1: (top level): 'claims'"),
    "claims empty": ("report: paper\nclaims: {}\n", "paper.yaml:2: claims: "),
    "claims a list": ("report: paper\nclaims: [gap]\n", "paper.yaml:2: claims: "),
    "claim null": ("report: paper\nclaims:\n  gap:\n", "paper.yaml:3: claims.gap: "),
    "unknown key": (changed("0.02", "0.02\n    treshold: 1"), "paper.yaml:9: claims.gap.treshold: unknown key"),
    "unknown top key": (changed("claims:", "version: 1\nclaims:"), "paper.yaml:2: version: unknown key"),
    "unknown default": (changed("claims:", "defaults: {above: 1}\nclaims:"), "paper.yaml:2: defaults.above: unknown"),
    "unknown subject key": (changed("{}", "{expect: pass}"), "paper.yaml:10: claims.gap.subjects.organism.expect:"),
    "bound a word": (changed("0.02", "high"), "paper.yaml:8: claims.gap.above: given 'high', expected a number"),
    "bound a boolean": (changed("0.02", "true"), "paper.yaml:8: claims.gap.above: given 'True', expected a number"),
    "bound null": (changed("0.02", ""), "paper.yaml:8: claims.gap.above: given nothing, expected a number"),
    "bound NaN": (changed("0.02", ".nan"), "paper.yaml:8: claims.gap.above: nan is not a finite number"),
    "bound inf": (changed("0.02", "-.inf"), "paper.yaml:8: claims.gap.above: -inf is not a finite number"),
    "bound 1e-3": (changed("0.02", "1e-3"), "paper.yaml:8: claims.gap.above: YAML 1.1 reads 1e-3"),
    "two bounds": (
        changed("0.02", "0.02\n    below: 1"),
        "claims.gap: expected exactly one of above, below, within; given above and below",
    ),
    "no bound": (
        changed("    above: 0.02\n", ""),
        "paper.yaml:3: claims.gap: expected exactly one of above, below, within; given none",
    ),
    "negative margin": (changed("above: 0.02", "within: -0.1"), "paper.yaml:8: claims.gap.within: -0.1"),
    "margin 0": (changed("above: 0.02", "within: 0"), "paper.yaml:8: claims.gap.within: 0"),
    "rope 0": (changed("0.02", "0.02\n    rope: 0"), "paper.yaml:9: claims.gap.rope: 0"),
    "alpha 0": (changed("0.02", "0.02\n    alpha: 0"), "paper.yaml:9: claims.gap.alpha: 0"),
    "alpha lenient": (changed("0.02", "0.02\n    alpha: 0.1"), "paper.yaml:9: claims.gap.alpha: 0.1"),
    "n 0": (changed("0.02", "0.02\n    n: 0"), "paper.yaml:9: claims.gap.n: 0"),
    "n a fraction": (
        changed("0.02", "0.02\n    n: 10.5"),
        "paper.yaml:9: claims.gap.n: given '10.5', expected a whole number",
    ),
    "statement empty": (changed("Ours beats theirs.", "''"), "paper.yaml:4: claims.gap.statement: "),
    "statement no": (changed("Ours beats theirs.", "no"), "paper.yaml:4: claims.gap.statement: YAML 1.1 reads no"),
    "statement endless": (changed("Ours beats theirs.", "x" * 501), "paper.yaml:4: claims.gap.statement: "),
    "design": (changed("paired", "bootstrap"), "paper.yaml:7: claims.gap.design: 'bootstrap'"),
    "role": (changed("0.02", "0.02\n    role: star"), "paper.yaml:9: claims.gap.role: 'star'"),
    "scope": (changed("0.02", "0.02\n    scope: all"), "paper.yaml:9: claims.gap.scope: 'all'"),
    "looks": (changed("0.02", "0.02\n    looks: two"), "paper.yaml:9: claims.gap.looks: 'two'"),
    "tier": (changed("0.02", "0.02\n    tier: fast"), "paper.yaml:9: claims.gap.tier: 'fast'"),
    "controls a word": (changed("0.02", "0.02\n    controls: paper.gap"), "paper.yaml:9: claims.gap.controls: "),
    "expected": (changed("{}", "{expected: maybe}"), "paper.yaml:10: claims.gap.subjects.organism.expected: "),
    "expected without why": (
        changed("{}", "{expected: {verdict: pass}}"),
        "paper.yaml:10: claims.gap.subjects.organism.expected",
    ),
    "reported NaN": (
        changed("{}", "{reported: {value: .nan}}"),
        "subjects.organism.reported.value: nan is not a finite",
    ),
    "param no": (
        changed("{}", "{cells: [{params: {k: no}}]}"),
        "paper.yaml:10: claims.gap.subjects.organism.cells.0.params.k",
    ),
    "param an empty list": (
        changed("{}", "{cells: [{params: {k: []}}]}"),
        "paper.yaml:10: claims.gap.subjects.organism.cells.0.params.k",
    ),
    "param a list of lists": (
        changed("{}", "{cells: [{params: {k: [[1]]}}]}"),
        "paper.yaml:10: claims.gap.subjects.organism.cells.0.params.k",
    ),
    "param no name": (
        changed("{}", "{cells: [{params: {a-b: 1}}]}"),
        "paper.yaml:10: claims.gap.subjects.organism.cells.0.params",
    ),
    "no cells": (changed("{}", "{cells: []}"), "paper.yaml:10: claims.gap.subjects.organism.cells: "),
    "cell without params": (
        changed("{}", "{cells: [{}]}"),
        "paper.yaml:10: claims.gap.subjects.organism.cells.0: 'params'",
    ),
    "measured NaN": (
        changed("0.02", "0.02\n    measured: {lr: [.nan]}"),
        "paper.yaml:9: claims.gap.measured.lr.0: nan",
    ),
    "claim id": (changed("gap:", "a.b:"), "paper.yaml:2: claims: 'a.b'"),
    "subject": (changed("organism", "'a b'"), "paper.yaml:9: claims.gap.subjects: 'a b'"),
    "token unit": (changed("prompt", "token"), "paper.yaml:6: claims.gap.unit: 'token' is not independent"),
    "method scope": (
        changed("0.02", "0.02\n    scope: method"),
        "paper.yaml:9: claims.gap.scope: a method claim needs design: runs",
    ),
    "unknown control": (
        changed("0.02", "0.02\n    controls: [paper.null]"),
        "paper.yaml:9: claims.gap.controls: 'paper.null'",
    ),
    "own control": (
        changed("0.02", "0.02\n    controls: [paper.gap]"),
        "paper.yaml:9: claims.gap.controls: 'paper.gap'",
    ),
    "self-supersede": (
        changed("0.02", "0.02\n    supersedes: paper.gap"),
        "paper.yaml:9: claims.gap.supersedes: 'paper.gap'",
    ),
    "superseded unknown": (
        changed("0.02", "0.02\n    supersedes: paper.old"),
        "paper.yaml:9: claims.gap.supersedes: 'paper.old'",
    ),
    "cell twice": (
        changed("{}", "{cells: [{params: {k: 1}}, {params: {k: 1}}]}"),
        "paper.yaml:10: claims.gap: the cell paper.gap[k=1] on organism is registered twice",
    ),
    "another report": (
        changed("report: paper", "report: book"),
        "paper.yaml:1: report: 'book' in a file called paper.yaml",
    ),
    "a list": ("- report: paper\n", "paper.yaml:1: (top level): "),
    "a word": ("paper\n", "paper.yaml:1: (top level): "),
    "nothing": ("", "paper.yaml: (top level): given nothing"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_rule_names_file_line_and_key(load, case):
    text, words = BROKEN[case]
    with pytest.raises(RegistrationError, match=re.escape(words)) as caught:
        load(text)
    assert re.match(r"paper\.yaml(:\d+)?: ", str(caught.value))
    assert "\n" not in str(caught.value)


def test_what_a_minimal_claim_means(load):
    (cell,) = load(GAP).claims["paper.gap"]
    assert (cell.id, cell.label, cell.subject, cell.where) == ("paper.gap", "paper.gap", "organism", "paper.yaml:10")
    assert cell.bound == Bound("above", 0.02)
    assert (cell.scope, cell.role, cell.family, cell.alpha, cell.looks) == ("artifact", "claim", "paper", 0.025, "open")
    assert (cell.n, cell.rope, cell.controls, cell.expected, cell.reported) == (None, None, (), None, None)


def test_defaults_hold_unless_a_claim_says_otherwise(load):
    report = load("""\
        report: paper
        source: {title: The paper}
        defaults: {quantity: loss, unit: document, design: mean, tier: smoke, alpha: 0.01, role: headline}
        claims:
          a: {statement: A, below: 1, subjects: {organism: }}
          b: {statement: B, below: 1, unit: prompt, tier: gpu, alpha: 0.02, role: claim, subjects: {organism: }}
        """)
    a, b = report.claims["paper.a"][0], report.claims["paper.b"][0]
    assert (a.quantity, a.unit, a.design, a.tier, a.alpha, a.role) == (
        "loss",
        "document",
        "mean",
        "smoke",
        0.01,
        "headline",
    )
    assert (b.quantity, b.unit, b.tier, b.alpha, b.role) == ("loss", "prompt", "gpu", 0.02, "claim")
    assert a.source == {"title": "The paper"}


def test_cells_and_what_they_take_from_their_subject(load):
    cells = load("""\
        report: paper
        claims:
          gap:
            statement: Ours
              beats theirs.
            quantity: accuracy
            unit: prompt
            design: paired
            within: 0.1
            n: 40
            tier: smoke
            subjects:
              organism:
                expected: {verdict: pass, why: planted}
                cells:
                - params: {k: 8, on_test: true}
                - {params: {k: 16}, expected: fail, reported: {value: 0.3}}
              gpt2: {n: 60, tier: gpu, reported: {verdict: pass}}
        """).claims["paper.gap"]
    assert [(c.subject, dict(c.params), c.expected, c.n, c.tier) for c in cells] == [
        ("organism", {"k": 8, "on_test": True}, "pass", 40, "smoke"),
        ("organism", {"k": 16}, "fail", 40, "smoke"),
        ("gpt2", {}, None, 60, "gpu"),
    ]
    assert [c.where for c in cells] == ["paper.yaml:16", "paper.yaml:17", "paper.yaml:18"]
    assert cells[0].expected_why == "planted"
    assert (cells[1].reported, cells[2].reported) == ({"value": 0.3}, {"verdict": "pass"})
    assert cells[0].label == "paper.gap[k=8, on_test=True]"
    assert cells[0].statement == "Ours beats theirs."


def test_a_method_claim_may_be_registered_to_be_refused(load):
    text = changed("0.02", "0.02\n    scope: method").replace("{}", "{expected: refused}")
    assert load(text).claims["paper.gap"][0].scope == "method"


def test_a_control_may_stand_in_another_report_beside(load, tmp_path):
    text = changed("0.02", "0.02\n    controls: [book.null]")
    with pytest.raises(RegistrationError, match=r"claims\.gap\.controls: 'book\.null' is not another claim"):
        load(text)
    (tmp_path / "book.yaml").touch()
    assert load(text + "\n").claims["paper.gap"][0].controls == ("book.null",)


def test_a_claim_knows_what_it_replaces(load):
    entry = "    {{statement: S, quantity: q, unit: u, design: mean, above: 0, subjects: {{s: }}{more}}}\n"
    chain = [("a", ""), ("b", ", supersedes: paper.a"), ("c", ", supersedes: paper.b")]
    text = "report: paper\nclaims:\n" + "".join(f"  {k}:\n{entry.format(more=more)}" for k, more in chain)
    report = load(text)
    assert [cells[0].replaces for cells in report.claims.values()] == [(), ("paper.a",), ("paper.b", "paper.a")]


def test_members_are_counted_as_registered(load):
    entry = "  {k}: {{statement: S, quantity: q, unit: u, design: mean, above: 0, role: {role}, {more}}}\n"
    cells = "subjects: {s: {cells: [{params: {k: 1}}, {params: {k: 2}}]}, t: }"
    rows = [
        ("h", "headline", cells),
        ("i", "headline", "family: f, subjects: {s: }"),
        ("c", "claim", "subjects: {s: , t: }"),
    ]
    rows.append(
        ("a", "conjunction", cells.replace("t: ", "t: {cells: [{params: {k: 1}}, {params: {k: 2}}, {params: {k: 3}}]}"))
    )
    report = load(
        "report: paper\nclaims:\n" + "".join(entry.format(k=k, role=role, more=more) for k, role, more in rows)
    )
    sizes = {k: [c.family_size for c in report.claims[f"paper.{k}"]] for k in "hica"}
    assert sizes == {"h": [2, 2, 1], "i": [1], "c": [4, 2], "a": [2, 2, 3, 3, 3]}


def test_a_misspelt_claim_is_answered_with_its_neighbour(load, tmp_path):
    report = load(GAP)
    assert find_report("paper.gap", tmp_path).claims == report.claims
    with pytest.raises(RegistrationError, match=r"no claim 'paper\.gapp'\. Did you mean paper\.gap\?"):
        report.cells("paper.gapp")
    with pytest.raises(RegistrationError, match=r"no claim 'paper\.entirely-else'\. To register it"):
        report.cells("paper.entirely-else")


@pytest.mark.parametrize("claim_id", ["paper", "paper.", ".gap", ""])
def test_ids_have_a_report_and_a_name(tmp_path, claim_id):
    with pytest.raises(RegistrationError, match=r"expected <report>\.<claim>"):
        find_report(claim_id, tmp_path)


def test_a_report_that_is_not_there(tmp_path):
    with pytest.raises(RegistrationError, match=r"python -m ledger new book\.gap"):
        find_report("book.gap", tmp_path)


def test_an_edited_file_is_read_again(load):
    assert load(GAP).claims["paper.gap"][0].bound.value == 0.02
    assert load(changed("0.02", "0.030")).claims["paper.gap"][0].bound.value == 0.03


ONE = "report: paper\nclaims:\n  a: {{statement: S, quantity: q, unit: u, design: {design}, above: 0, {more}subjects: {{s: }}}}\n"


@pytest.mark.parametrize(
    ("design", "more", "words"),
    [
        ("mean", "role: conjunction, ", "a conjunction of one cell"),
        ("faithfulness", "", "needs measured: {chance: ...}"),
        ("one-set", "measured: {between_set_sd: 0.1}, ", "needs measured: {between_set_df: ...}"),
    ],
)
def test_a_promise_that_leaves_the_estimand_open(load, design, more, words):
    with pytest.raises(RegistrationError, match=re.escape(words)):
        load(ONE.format(design=design, more=more))
