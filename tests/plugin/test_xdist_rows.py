"""Under xdist the ledger is the same: no row lost, the same order, the same bytes but for time."""

import pytest

MIXED = """
@pytest.mark.claim("demo.c{k:03d}")
def test_c{k:03d}(judge):
    judge([x + {k} - 20 for x in UP])
"""
VOLATILE = ("time", "seconds", "run", "prev", "command")


@pytest.fixture
def forty(court):
    # 20 fail, one straddles or passes by its numbers, the rest pass; every third has an expectation
    court.register(**{f"c{k:03d}": ({"expected": "fail"} if k % 3 == 0 else {}) for k in range(40)})
    court.write("".join(MIXED.format(k=k) for k in range(40)))
    return court


def steady(rows):
    return [{k: v for k, v in row.items() if k not in VOLATILE} for row in rows]


def test_any_number_of_workers_gives_the_same_table(forty):
    tables = []
    for args in ([], ["-p", "xdist", "-n", "0"], ["-p", "xdist", "-n", "2"], ["-p", "xdist", "-n", "4"]):
        before = set(forty.files())
        forty.run(*args)
        (new,) = set(forty.files()) - before
        tables.append(steady(forty.table(str(new))))
        assert forty.ledger("verify", str(new))[0] == 0
        new.unlink()  # the next run must not be an attempt after this one
    assert len(tables[0]) == 40
    assert [row["claim"] for row in tables[0]] == [f"demo.c{k:03d}" for k in range(40)]
    for table in tables[1:]:
        assert table == tables[0]


@pytest.mark.parametrize("dist", ["worksteal", "each"])
def test_other_schedulers_lose_nothing_either(forty, dist):
    forty.run("-p", "xdist", "-n", "2", "--dist", dist)
    assert [row["claim"] for row in forty.rows()] == [f"demo.c{k:03d}" for k in range(40)]


def test_the_table_is_printed_once_and_by_the_controller(forty):
    result = forty.run("-p", "xdist", "-n", "2", "--verdicts=all")
    assert sum(line.startswith("=") and " verdicts " in line for line in result.outlines) == 1
    assert sum("ledger: +40 rows" in line for line in result.outlines) == 1
    assert len(forty.files()) == 1


def test_only_builtins_cross_between_processes(court):
    """One numpy number in what execnet must carry would cost the whole session."""
    court.register(
        wins={"measured": {"ctx": 1024, "share": 0.5, "shuffled": True, "layers": [1, 2]}},
    )
    court.write("""
from pathlib import Path
from mi.claimable import Sample
@pytest.mark.claim("demo.wins")
def test_wins(judge):
    judge(Sample(np.array(UP), params={
        "ctx": np.int64(1024), "share": np.float32(0.5), "shuffled": np.bool_(True), "layers": (1, 2),
        "file": Path("x"), "array": np.arange(3),
    }))
def test_other(): pass
""")
    result = court.run("-p", "xdist", "-n", "2")
    assert result.parseoutcomes() == {"passed": 2}
    assert court.row()["measured"] == {
        "ctx": 1024,
        "share": 0.5,
        "shuffled": True,
        "layers": [1, 2],
        "file": "x",
        "array": [0, 1, 2],
    }


XDIST = ["-p", "xdist", "-n", "1"]


@pytest.mark.parametrize(
    ("made", "args"),
    [
        ("params={'x': float('nan')}", []),
        ("params={'x': object()}", []),
        ("sources=[object()]", []),
        ("quantity=object()", []),
        ("quantity=object()", XDIST),
    ],
    ids=str,
)
def test_what_json_cannot_say_costs_one_claim_and_not_the_session(court, made, args):
    court.register(wins={}, other={})
    court.write(f"""
from mi.claimable import Sample
@pytest.mark.claim("demo.wins")
def test_wins(judge): judge(Sample(UP, {made}))
@pytest.mark.claim("demo.other")
def test_other(judge): judge(UP)
""")
    result = court.run(*args)
    result.stdout.no_fnmatch_line("*INTERNALERROR*")
    assert result.ret == 1
    wins, other = court.rows()
    assert (wins["claim"], wins["verdict"]) == ("demo.wins", None)
    assert other["verdict"] == "pass"
