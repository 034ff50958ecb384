"""The page's arithmetic is Python's: verdicts at any bound and level, where they flip, and numbers in text."""

import ast
import random
from math import inf, isfinite, nan, nextafter
from pathlib import Path

import numpy as np
import pytest
from ledgers import claim, judge
from own_script import RECORDED, own_script, records
from what_if import what_if

import mi.contrasts
from ledger.errors import LedgerError
from ledger.run import read_run
from ledger.text import number
from mi import claimable

TRIPLES = 1000


@pytest.fixture(scope="module")
def call(browser):
    with own_script(browser) as found:
        yield found


def seldom():
    """Judged rows of the methods that no recorded run has."""
    rng = np.random.default_rng(0)
    units = [f"u{k:02d}" for k in range(60)]
    blocks = [f"b{k}" for k in range(12) for _ in range(3)]
    topics = ["one" if k < 6 else "other" for k in range(12) for _ in range(3)]
    features = np.stack([rng.normal(size=8) + (2 if t == "one" else 0) for t in topics])
    arms = [{f"{n}-{seed}": rng.normal(mean, 0.1, 12) for seed in range(n)} for mean, n in ((0.5, 4), (0.4, 6))]
    contrasts = [
        ("median", "median", claimable.median(claimable.Sample(rng.normal(0.3, 1, 60), units))),
        ("runs", "welch-runs", claimable.over_runs(*arms)),
        ("similarity", "blocks", claimable.similarity(np.corrcoef(features), topics, blocks)),
    ]
    return [judge(claim(name, design=design, scope=c.scope), c).row for design, name, c in contrasts]


def methods_of_the_library():
    """What ``mi.contrasts`` calls its methods, read from its source."""
    found = set()
    for path in Path(mi.contrasts.__file__).parent.glob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        named = {
            value.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign)
            for target, value in _pairs(node)
            if isinstance(target, ast.Name) and target.id == "method" and isinstance(value, ast.Constant)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Contrast":
                method = node.args[4]
                found |= {method.value} if isinstance(method, ast.Constant) else named
    return found


def _pairs(node):
    target, value = node.targets[0], node.value
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        return list(zip(target.elts, value.elts, strict=True))
    return [(target, value)]


@pytest.fixture(scope="module")
def by_method():
    found = {}
    for rows in [*(read_run(p).rows for p in RECORDED), seldom()]:
        for r in records(rows):
            if r.get("verdict"):
                found.setdefault(r["method"], []).append(r)
    assert set(found) == methods_of_the_library()
    return found


def triples(mine, rng):
    """Random bounds beside every limit, on it, an ulp off it, far away and nowhere, at every level and at none."""
    for _ in range(TRIPLES):
        row = rng.choice(mine)
        limits = [x for pair in [*row["limits"].values(), [row["lo"], row["hi"]]] for x in pair]
        level = rng.choice(["own", *row["limits"], "adjusted", *(["97"] if rng.random() < 0.05 else [])])
        near = rng.choice([*limits, row["bound"], row["estimate"]])
        bound = rng.choice([
            near, -near, abs(near), nextafter(near, inf), nextafter(near, -inf), near + rng.gauss(0, row["hi"] - row["lo"]),
            rng.uniform(-2, 2), abs(rng.gauss(0, 1)), 0.0, -0.0, 1e-300, *rng.choices([nan, inf, -inf], k=rng.random() < 0.2),
        ])  # fmt: skip
        yield {**row, "rule": rng.choice(["above", "below", "within"])}, bound, level


def in_python(row, bound, level):
    try:
        return str(what_if(row, bound, level))
    except LedgerError:
        return None


def test_page_and_python_agree_for_every_method(call, by_method):
    rng = random.Random(7)
    for method, mine in by_method.items():
        asked = list(triples(mine, rng))
        expected = [in_python(*triple) for triple in asked]
        found = call("asked.map(([row, bound, level]) => whatIf(row, bound, level))", asked=[list(t) for t in asked])
        wrong = [(t, e, f) for t, e, f in zip(asked, expected, found, strict=True) if e != f]
        assert not wrong, (method, wrong[0])
        assert {"pass", "fail", "inconclusive", None} <= set(expected), method


def test_where_it_flips_is_where_python_flips(call, by_method):
    rng = random.Random(8)
    asked = [{**rng.choice(mine), "rule": rule} for mine in by_method.values() for rule in ("above", "below", "within")]
    pieces = call(
        "rows.map((row) => flips(row, 'own').map(([v, a, b]) => [v, Math.max(a, -1e9), Math.min(b, 1e9)]))", rows=asked
    )
    for row, found in zip(asked, pieces, strict=True):
        assert [a for _, a, _ in found[1:]] == [b for _, _, b in found[:-1]]
        for verdict, a, b in found:
            assert what_if(row, (a + b) / 2, "own") == verdict


def test_numbers_read_as_in_python(call):
    rng = random.Random(9)
    values = [
        0.0,
        -0.0,
        0.0625,
        0.1875,
        2.5,
        1000000.5,
        100000.5,
        1234565.0,
        1234575.0,
        9.999995,
        999999.5,
        5e-324,
        1e-5,
    ]
    values += [1e-4, 1.7976931348623157e308, 1e21, 1e22]
    values += [nextafter(10.0**k, to) for k in range(-20, 20) for to in (-inf, inf)] + [10.0**k for k in range(-20, 20)]
    values += [rng.randint(-(10**6), 10**6) / 2 ** rng.randint(0, 20) for _ in range(5000)]
    values += [rng.gauss(0, 1) * 10 ** rng.uniform(-9, 9) for _ in range(5000)]
    values += [-x for x in values]
    spreads = rng.choices([None, 0.0, *map(abs, values)], k=len(values))
    python = [[number(x, s), f"{x:g}", f"{100 * x:.4g} %"] for x, s in zip(values, spreads, strict=True)]
    found = call("v.map((x, i) => [number(x, s[i]), short(x), percent(x)])", v=values, s=spreads)
    wrong = [
        (x, s, p, f)
        for x, s, p, f in zip(values, spreads, python, found, strict=True)
        if p != f and (p[:2] != f[:2] or isfinite(100 * x))
    ]
    assert not wrong, wrong[:5]
