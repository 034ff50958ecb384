"""History: what earlier runs found for each cell of a run, and where scores or promise changed on the way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..diff import moves
from ..family import with_adjusted_verdicts
from ..row import key_of
from ..run import Run
from ..text import clean

Row = Mapping[str, Any]
Key = tuple[str, str, str]
_KEPT = ("estimate", "lo", "hi", "level", "verdict", "status", "attempt")


def listed(runs: Iterable[Run]) -> list[dict[str, Any]]:
    """What a reader must know of each run: ``{id, time, commit, dirty}``, in the order given."""
    return [
        {
            "id": run.id,
            "time": clean(run.header.get("time") or ""),
            "commit": clean(run.header["git"].get("commit") or "")[:40],
            "dirty": bool(run.header["git"].get("dirty")),
        }
        for run in runs
    ]


def history(run: Run, earlier: Iterable[Run]) -> dict[Key, list[dict[str, Any]]]:
    """The points of each row of ``run`` that earlier runs have a row for, by :func:`ledger.row.key_of`, oldest first.

    Each point has ``run`` (a place in ``earlier``; the row of ``run`` itself comes last, one place further), ``status``,
    and of ``estimate, lo, hi, level, verdict, attempt`` what the row had; ``family_verdict`` where it is another than
    the verdict. Runs one after the other that found the same from the same scores share a point, which then has
    ``through``, the place of the last of them. A point of a claim that this one supersedes, on the same subject and
    parameters, names it under ``superseded``.

    A judged point after another judged one has ``same_data``: true where the same scores were judged again, false where
    they were measured again. ``promise_moved`` is true where a goalpost stands elsewhere than at the point before. Both
    look back to the last point of the same claim, and the first one for its scores to those of a superseded claim.

    Args:
        run: the run that is shown.
        earlier: runs before it, oldest first. One at a time is looked at, so that a generator may read them.
    """
    present = {key_of(row): row for row in with_adjusted_verdicts(run.rows)}
    pasts = {key: _Past(key[0]) for key in present}
    wanted = _cells(present)
    at = -1
    for at, before in enumerate(earlier):
        for row in with_adjusted_verdicts(before.rows):
            for key in wanted.get(key_of(row), ()):
                pasts[key].add(at, row)
    found = {key: past for key, past in pasts.items() if past.points}
    for key, past in found.items():
        past.add(at + 1, present[key])
    return {key: past.points for key, past in found.items()}


def _cells(present: Mapping[Key, Row]) -> dict[Key, list[Key]]:
    """The cells whose rows belong to a history, and to which: a cell's own, and those that its claim supersedes."""
    replaced = {row["claim"]: row["supersedes"] for row in present.values() if row["supersedes"]}
    wanted: dict[Key, list[Key]] = {}
    for claim, subject, params in present:
        for name in _chain(claim, replaced):
            wanted.setdefault((name, subject, params), []).append((claim, subject, params))
    return wanted


def _chain(claim: str, replaced: Mapping[str, str]) -> Iterator[str]:
    seen = set()
    name: str | None = claim
    while name is not None and name not in seen:
        seen.add(name)
        yield name
        name = replaced.get(name)


@dataclass
class _Past:
    """The points of one cell.

    Attributes:
        judged: scores and promise of each claim's last judged row, the newest at its end.
        ends: each claim's last point.
    """

    claim: str
    points: list[dict[str, Any]] = field(default_factory=list)
    judged: dict[str, Row] = field(default_factory=dict)
    ends: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(self, at: int, row: Row) -> None:
        result = {name: row[name] for name in _KEPT if row.get(name) is not None}
        if row["family_verdict"] != row["verdict"]:
            result["family_verdict"] = row["family_verdict"]
        if row["claim"] != self.claim:
            result["superseded"] = row["claim"]
        breaks = self._breaks(row)
        end = self.ends.get(row["claim"])
        again = breaks == ({} if row["estimate"] is None else {"same_data": True})
        if again and end and end.get("through", end["run"]) == at - 1 and result == _result(end):
            end["through"] = at
            return
        self.ends[row["claim"]] = {"run": at, **result, **breaks}
        self.points.append(self.ends[row["claim"]])

    def _breaks(self, row: Row) -> dict[str, bool]:
        """How a judged row differs from the judged one before in what it rests on."""
        if row["estimate"] is None:
            return {}
        own = self.judged.pop(row["claim"], None)
        before = own or next(reversed(self.judged.values()), None)
        self.judged[row["claim"]] = {name: row[name] for name in ("data", "registered")}
        breaks = {} if before is None else {"same_data": before["data"] == row["data"]}
        return breaks | ({"promise_moved": True} if own is not None and moves(own, row) else {})


def _result(point: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value for name, value in point.items() if name not in ("run", "through", "same_data", "promise_moved")
    }
