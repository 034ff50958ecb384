"""A mark or a claim file that cannot be used: an error that names file, line and key; other modules still run."""

import pytest

TEST = "@pytest.mark.claim({!r})\ndef test_wins(judge): judge(UP)\n"
GOOD = """report: demo
claims:
  wins:
    statement: one sentence
    quantity: score
    unit: prompt
    design: mean
    above: 0.0
    subjects:
      organism: {}
"""


@pytest.fixture
def beside(court):
    """A second report that is in order."""
    court.register("other", wins={})
    court.write("@pytest.mark.claim('other.wins')\ndef test_other(judge): judge(UP)\n", "test_other.py")
    return court


def check(court, *messages):
    result = court.run()
    assert result.ret == 2
    assert result.parseoutcomes()["errors"] == 1
    said = " ".join(result.stdout.str().split())
    for message in messages:
        assert message in said
    assert "Traceback" not in said
    assert "ledger/registry.py" not in said
    again = court.run("--continue-on-collection-errors")
    assert again.parseoutcomes() == {"passed": 1, "errors": 1}
    assert court.row()["claim"] == "other.wins"


def test_no_such_claim(beside):
    beside.register(wins={})
    beside.write(TEST.format("demo.winz"))
    check(beside, "no claim 'demo.winz'. Did you mean demo.wins?", "python -m ledger new demo.winz", "demo.yaml")


def test_no_such_file(beside):
    beside.write(TEST.format("demo.wins"))
    check(beside, "claim 'demo.wins'", "demo.yaml does not exist", "python -m ledger new demo.wins")


def test_no_such_form_of_an_id(beside):
    beside.write(TEST.format("wins"))
    check(beside, "claim id 'wins': expected <report>.<claim>")


@pytest.mark.parametrize(
    "mark",
    ["claim()", "claim('demo.wins', 'more')", "claim(7)", "claim('demo.wins', above=0)"],
)
def test_misuse_of_the_mark(beside, mark):
    beside.register(wins={})
    beside.write(f"@pytest.mark.{mark}\ndef test_wins(judge): judge(UP)\n")
    check(beside, "@pytest.mark.claim takes one claim id", "test_demo.py")


BROKEN = {
    "not yaml": ("    above: 0.0", "    above: [0.0", "demo.yaml:"),
    "unknown key": ("    above: 0.0", "    above: 0.0\n    abov: 1.0", "demo.yaml:9: claims.wins.abov: unknown key"),
    "two bounds": (
        "    above: 0.0",
        "    above: 0.0\n    below: 1.0",
        "demo.yaml:3: claims.wins: expected exactly one of",
    ),
    "no bound": ("    above: 0.0\n", "", "demo.yaml:3: claims.wins: expected exactly one of above, below, within"),
    "bound of another type": ("above: 0.0", "above: high", "demo.yaml:8: claims.wins.above:"),
    "infinite bound": ("above: 0.0", "above: .inf", "demo.yaml:8: claims.wins.above:"),
    "unknown design": ("design: mean", "design: mode", "demo.yaml:7: claims.wins.design:"),
    "tokens as units": ("unit: prompt", "unit: token", "demo.yaml:6: claims.wins.unit: 'token' is not independent"),
    "missing key": ("    unit: prompt\n", "", "demo.yaml:3: claims.wins: 'unit' is missing"),
    "repeated key": (
        "    above: 0.0",
        "    above: 0.0\n    above: 1.0",
        "demo.yaml:9: claims.wins.above: this key occurs twice",
    ),
    "another report": ("report: demo", "report: dema", "demo.yaml:1: report: 'dema'"),
    "no such control": (
        "    above: 0.0",
        "    above: 0.0\n    controls: [demo.none]",
        "demo.yaml:9: claims.wins.controls",
    ),
    "object tag": ("statement: one", "statement: !!python/object:os.system one", "demo.yaml:"),
    "empty": (GOOD, "", "demo.yaml"),
    "a list": (GOOD, "- 1\n- 2\n", "demo.yaml"),
}


@pytest.mark.parametrize(("old", "new", "message"), BROKEN.values(), ids=BROKEN)
def test_broken_yaml_is_named_with_line_and_key(beside, old, new, message):
    assert old in GOOD
    (beside.claims / "demo.yaml").write_text(GOOD.replace(old, new))
    beside.write(TEST.format("demo.wins"))
    check(beside, message)


def test_the_good_one_is_good(court):
    (court.claims / "demo.yaml").write_text(GOOD)
    court.write(TEST.format("demo.wins"))
    assert court.run().ret == 0
    assert court.row()["where"] == "demo.yaml:10"


def test_a_file_that_is_not_text(beside):
    (beside.claims / "demo.yaml").write_bytes(b"\xff\xfe\x00report")
    beside.write(TEST.format("demo.wins"))
    check(beside, "demo.yaml: not UTF-8")
