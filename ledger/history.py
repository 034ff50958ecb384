"""History: what the ledger already knows of a claim, for counting attempts."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from typing import Any

from .attempts import Attempt
from .claim import Claim
from .folders import RECORDED
from .row import key_of

_MARK = b'"claim":"'
# Wording may be mended after the fact; anything that can move a verdict may not.
_WORDING = frozenset({"statement", "supersedes"})


class History:
    """Earlier rows per claim. Files are scanned once, and only the asked-for lines are parsed."""

    def __init__(self, files: Iterable[Path]) -> None:
        self._files = sorted(files, key=lambda p: p.name)
        self._places: dict[str, list[tuple[Path, int, int]]] | None = None

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

    def rows(self, claim_id: str) -> list[tuple[Path, dict[str, Any]]]:
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

        Data that the ledger has seen is a replay with its old number.
        """
        promise = json.loads(json.dumps(claim.promise, default=str))
        mine = key_of({"claim": claim.id, "subject": claim.subject, "params": claim.params})
        seen: dict[str, str] = {}
        changed: tuple[dict[str, tuple[object, object]], str, bool] | None = None
        for path, row in self.rows(claim.id):
            try:
                same_cell = key_of(row) == mine
            except (KeyError, TypeError, AttributeError):
                continue
            if not same_cell or not row.get("data") or row.get("estimate") is None:
                continue
            seen.setdefault(str(row["data"]), str(row.get("run")))
            old = row.get("registered")
            keys = _moved(old, promise) if isinstance(old, dict) else {}
            if keys:
                recorded = path.parent.parts[-2:] == RECORDED.parts
                if changed is None or recorded >= changed[2]:
                    changed = keys, str(row.get("run")), recorded
        order = list(seen)
        number = order.index(digest) + 1 if digest in seen else len(order) + 1
        return Attempt(
            number,
            replay=digest in seen,
            first_run=seen[order[0]] if order else None,
            changed=changed[0] if changed else None,
            changed_in=changed[1] if changed else None,
            changed_recorded=changed[2] if changed else False,
        )


def _moved(old: dict[str, Any], new: dict[str, Any]) -> dict[str, tuple[object, object]]:
    """Promised fields that differ, wording aside: {key: (then, now)}."""
    keys = sorted({*old, *new} - _WORDING)
    return {k: (old.get(k), new.get(k)) for k in keys if old.get(k) != new.get(k)}
