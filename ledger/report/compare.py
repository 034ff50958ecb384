"""Compare: two runs side by side, as the page shows them. What counts as a difference is decided in ``ledger/diff.py``."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..diff import TITLES, cell_changes, drift_appeared, drift_resolved, how_measured, moved_far, moves, state_of
from ..row import key_of
from ..ruling import Ruling, rulings
from ..run import Run
from ..text import clean, label, units_of
from .history import listed
from .paired import paired_differences

Row = Mapping[str, Any]
STATES = ("pass", "fail", "inconclusive", "refused", "deviated", "error", "crashed", "not run")
NEW, GONE = "new", "gone"
_SIDE = (
    *("status", "verdict", "family_verdict", "expected", "estimate", "lo", "hi", "level", "adjusted", "rule", "bound"),
    *("rope", "n", "method", "attempt"),
)
_EACH_RUN_HAS_ITS_OWN = ("record", "run", "time", "prev")


def comparison(before: Run, after: Run) -> dict[str, Any]:
    """What differs from ``before`` to ``after``; ``{"same": True}`` and nothing else where nothing does.

    Otherwise, as plain JSON:

    - ``runs``: both, as :func:`.history.listed`.
    - ``transitions``: ``{"before": [state], "after": [state], "counts": [[n]]}``, a row per state before (``new`` last),
      a column per state after (``gone`` last); every row of both runs is counted once.
    - ``cells``: the cells that differ, the most serious first. Each has ``label``, ``subject`` and ``kinds`` of
      :data:`ledger.diff.TITLES`. One that is new has ``after``, one that is gone ``before``, and of either only
      ``state`` and ``word``. Any other has both, as it reads in a table of each run, and ``claim, params, quantity, unit,
      design``, ``paired`` (:func:`.paired.paired_differences`) and, where it applies, ``measured`` (``re-judged`` on the
      same scores, or ``re-measured``), ``goalposts`` that were moved, ``wording`` and ``parameters`` of the measurement
      that differ, each ``[{"key", "before", "after"}]`` in text.
    - ``changed`` (another state), ``shifted`` (the same state, :func:`ledger.diff.moved_far`), ``appeared`` and ``resolved`` (drift), ``moved_goalposts``, ``rejudged``, ``remeasured``, ``new``,
      ``gone``: places in ``cells``.
    - ``small``: ``{"re-judged": n, "re-measured": n}``, cells whose numbers moved by less and that differ in nothing else.
    - ``environment``: ``[{"key", "before", "after"}]``, in text, where the records of the runs differ.
    """
    pairs = _pairs(before, after)
    found = [pair for pair in pairs if pair.differs]
    environment = _differing(
        *({k: v for k, v in r.header.items() if k not in _EACH_RUN_HAS_ITS_OWN} for r in (before, after))
    )
    if not found and not environment:
        return {"same": True}
    shown = sorted((pair for pair in found if not pair.small), key=lambda pair: pair.weight)
    both = [pair for pair in shown if pair.old and pair.new]
    differences = paired_differences(before, after, [(p.old.row, p.new.row) for p in both if p.old and p.new])
    paired = dict(zip(map(id, both), differences, strict=True))
    small = Counter(pair.measured for pair in found if pair.small)
    return {
        "same": False,
        "runs": listed((before, after)),
        "transitions": _transitions(pairs),
        "cells": [_cell(pair, paired.get(id(pair))) for pair in shown],
        **{name: [k for k, pair in enumerate(shown) if belongs(pair)] for name, belongs in _SECTIONS.items()},
        "small": dict(sorted(small.items())),
        "environment": environment,
    }


@dataclass(frozen=True)
class _Pair:
    """One cell in both runs; one side is None where the cell is new or gone."""

    old: Ruling | None
    new: Ruling | None
    kinds: tuple[str, ...]

    @property
    def row(self) -> Row:
        """The later of the two rows."""
        ruling = self.new or self.old
        assert ruling is not None
        return ruling.row

    @property
    def states(self) -> tuple[str, str]:
        return (state_of(self.old) if self.old else NEW, state_of(self.new) if self.new else GONE)

    @property
    def changed(self) -> bool:
        return bool(self.old and self.new) and self.states[0] != self.states[1]

    @property
    def differs(self) -> bool:
        return bool(self.kinds) or self.changed  # a control that lost its footing changes a state and no number

    @property
    def shifted(self) -> bool:
        return bool(self.old and self.new and not self.changed and moved_far(self.old.row, self.new.row))

    @property
    def small(self) -> bool:
        return self.kinds == ("moved",) and not self.changed and not self.shifted

    @property
    def measured(self) -> str:
        return how_measured(self.old.row, self.new.row) if self.old and self.new else ""

    @property
    def weight(self) -> int:
        order = list(TITLES)
        return -1 if self.changed else min((order.index(kind) for kind in self.kinds), default=len(order))


_SECTIONS: dict[str, Callable[[_Pair], bool]] = {
    "changed": lambda pair: pair.changed,
    "shifted": lambda pair: pair.shifted,
    "appeared": lambda pair: drift_appeared(pair.old, pair.new),
    "resolved": lambda pair: drift_resolved(pair.old, pair.new),
    "moved_goalposts": lambda pair: "goalposts" in pair.kinds,
    "rejudged": lambda pair: pair.measured == "re-judged",
    "remeasured": lambda pair: pair.measured == "re-measured",
    "new": lambda pair: pair.old is None,
    "gone": lambda pair: pair.new is None,
}


def _pairs(before: Run, after: Run) -> list[_Pair]:
    """Every cell of both runs, in the order of the first, then of the second."""
    a, b = ({key_of(r.row): r for r in sorted(rulings(run.rows), key=_place)} for run in (before, after))
    pairs = []
    for key in [*a, *(k for k in b if k not in a)]:
        old, new = a.get(key), b.get(key)
        kinds = (
            ["added"]
            if old is None
            else ["removed"]
            if new is None
            else [c.kind for c in cell_changes(old.row, new.row)]
        )
        pairs.append(_Pair(old, new, tuple(kinds)))
    return pairs


def _place(ruling: Ruling) -> tuple[int, str]:
    return ruling.row["index"], ruling.row["nodeid"]


def _transitions(pairs: list[_Pair]) -> dict[str, Any]:
    counts = Counter(pair.states for pair in pairs)
    occurring = {state for states in counts for state in states}
    shown = [state for state in STATES if state in STATES[:3] or state in occurring]
    rows, columns = [*shown, NEW], [*shown, GONE]
    return {"before": rows, "after": columns, "counts": [[counts[x, y] for y in columns] for x in rows]}


def _cell(pair: _Pair, paired: dict[str, Any] | None) -> dict[str, Any]:
    row = pair.row
    named = {"label": label(row), "subject": row["subject"], "kinds": list(pair.kinds)}
    if not (pair.old and pair.new):  # a line in a list; the row itself stands in the table of its run
        return named | {side: _mark(r) for side, r in (("before", pair.old), ("after", pair.new)) if r}
    old, new = pair.old.row, pair.new.row
    moved = moves(old, new)
    cell = named | {name: row[name] for name in ("claim", "params", "quantity", "unit", "design")}
    cell |= {"measured": pair.measured, "paired": paired, "before": _side(pair.old), "after": _side(pair.new)}
    cell["goalposts"] = _differing({k: x for k, x, _ in moved}, {k: y for k, _, y in moved})
    cell["wording"] = _differing({"statement": old["statement"]}, {"statement": new["statement"]})
    cell["parameters"] = _differing(old.get("measured") or {}, new.get("measured") or {})
    return {name: value for name, value in cell.items() if value not in (None, "", [])}


def _mark(ruling: Ruling) -> dict[str, Any]:
    return {"state": state_of(ruling), "word": ruling.word}


def _side(ruling: Ruling) -> dict[str, Any]:
    """One row as it reads in the table of its run."""
    row = ruling.row
    said = _mark(ruling) | {"units_text": units_of(row)}
    same = ("family_verdict",) if row["family_verdict"] == row["verdict"] else ()
    return said | {name: row[name] for name in _SIDE if row.get(name) is not None and name not in same}


def _differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, str]]:
    """What differs between two records, nested ones as dotted keys; values in text."""
    a, b = dict(_leaves(before)), dict(_leaves(after))
    keys = [*a, *(k for k in b if k not in a)]
    return [{"key": k, "before": a.get(k, ""), "after": b.get(k, "")} for k in keys if a.get(k) != b.get(k)]


def _leaves(value: Any, key: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and depth < 5:
        for name, below in value.items():
            yield from _leaves(below, f"{key}.{clean(name)}" if key else clean(name), depth + 1)
    elif key == "command" and isinstance(value, list):
        yield key, clean(" ".join(map(str, value)))
    else:
        yield key, clean(value if isinstance(value, str) else json.dumps(value))
