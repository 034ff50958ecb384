"""History: what the ledger already knows of a claim, for counting attempts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any

from .attempts import FIRST, Attempt
from .claim import EXAMPLE_SUBJECT, Claim
from .folders import RECORDED
from .row import key_of

_MARK = b'"claim":"'
# Wording may be mended after the fact; anything that can move a verdict may not.
_WORDING = frozenset({"statement", "supersedes"})


class History:
    """Earlier rows per claim. Files are scanned once, and only the asked-for lines are parsed: once for all cells of a claim,
    which are judged one after the other."""

    def __init__(self, files: Iterable[Path]) -> None:
        self._files = sorted(files, key=lambda p: p.name)
        self._places: dict[str, list[tuple[Path, int, int]]] | None = None
        self.rows = lru_cache(maxsize=4)(self._read)  # a claim and what it supersedes

    def _index(self) -> dict[str, list[tuple[Path, int, int]]]:
        """Where each claim's lines lie; the lines themselves are not kept, a long ledger is larger than memory likes."""
        if self._places is None:
            self._places = {}
            for path in self._files:
                try:
                    with path.open("rb") as f:
                        start = 0
                        for line in f:
                            at = line.find(_MARK)
                            if at >= 0:
                                name = line[at + len(_MARK) : line.find(b'"', at + len(_MARK))].decode(
                                    "utf-8", "replace"
                                )
                                self._places.setdefault(name, []).append((path, start, len(line)))
                            start += len(line)
                except OSError:
                    continue
        return self._places

    def _read(self, claim_id: str) -> list[tuple[Path, dict[str, Any]]]:
        """Earlier rows of a claim, oldest first; a broken line is no evidence and is passed over."""
        found = []
        for path, places in groupby(self._index().get(claim_id, []), key=lambda place: place[0]):
            try:
                with path.open("rb") as f:
                    lines = [(f.seek(start), f.read(length))[1] for _, start, length in places]
            except OSError:
                continue
            for line in lines:
                try:
                    row = json.loads(line)
                except (ValueError, RecursionError):
                    continue
                if isinstance(row, dict) and row.get("record") == "row" and row.get("claim") == claim_id:
                    found.append((path, row))
        return found

    def attempt(self, claim: Claim, digest: str) -> Attempt:
        """Which look at new data this is: the number of different data digests judged before, plus one.

        Looks of superseded claims count: a new id is no new start.

        Data that the ledger has seen is a replay with its old number. The promise is compared with the
        first recorded one, or with the first one at all: trying out a bound and putting it back changes
        nothing.
        """
        if claim.subject == EXAMPLE_SUBJECT:
            return FIRST
        seen: dict[str, str] = {}
        first: tuple[bool, dict[str, Any], str] | None = None
        mine: set[str] = set()
        for old in claim.replaces[::-1]:
            for _, row in self._cell_rows(claim, old):
                seen.setdefault(str(row["data"]), str(row.get("run")))
        for path, row in self._cell_rows(claim, claim.id):
            seen.setdefault(str(row["data"]), str(row.get("run")))
            mine.add(str(row["data"]))
            recorded = path.parent.parts[-2:] == RECORDED.parts
            if isinstance(row.get("registered"), dict) and (first is None or recorded > first[0]):
                first = recorded, row["registered"], str(row.get("run"))
        changed = _moved(first[1], json.loads(json.dumps(claim.promise, default=str))) if first else {}
        before = next(
            (
                (old, str(r.get("run")))
                for old in claim.replaces
                for _, r in self._cell_rows(claim, old)
                if r["data"] == digest
            ),
            None,
        )
        order = list(seen)
        return Attempt(
            order.index(digest) + 1 if digest in seen else len(order) + 1,
            replay=digest in mine,
            first_run=seen[order[0]] if order else None,
            changed=changed or None,
            changed_in=first[2] if first and changed else None,
            changed_recorded=bool(first and changed and first[0]),
            seen_before=before,
        )

    def _cell_rows(self, claim: Claim, claim_id: str) -> Iterator[tuple[Path, dict[str, Any]]]:
        """Judged rows of ``claim_id`` on the claim's subject and parameters, oldest first."""
        mine = key_of({"claim": claim_id, "subject": claim.subject, "params": claim.params})
        for path, row in self.rows(claim_id):
            try:
                if key_of(row) == mine and row.get("data") and row.get("estimate") is not None:
                    yield path, row
            except (KeyError, TypeError, AttributeError):
                continue


def _moved(old: dict[str, Any], new: dict[str, Any]) -> dict[str, tuple[object, object]]:
    """Promised fields that differ, wording aside: {key: (then, now)}."""
    keys = sorted({*old, *new} - _WORDING)
    return {k: (old.get(k), new.get(k)) for k in keys if old.get(k) != new.get(k)}
