"""Record: every condition of a sweep, as a table and as the texts themselves."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ..unit_table import write_units
from .condition import BASELINE, Outcome


class Record:
    """Every condition with its row of the sweep."""

    def __init__(self, out: Path, judge: str, cap: float) -> None:
        self.out, self.judge, self.cap = out, judge, cap
        self.rows: list[dict[str, Any]] = []
        self.outcomes: dict[tuple[str, str, float], Outcome] = {}

    def add(self, split: str, outcome: Outcome) -> None:
        """Keep a condition; the baseline of its split comes first."""
        self.outcomes[split, outcome.arm, outcome.coefficient] = outcome
        self.rows.append(outcome.row(split, self.judge, self.outcomes[split, BASELINE, 0.0], self.cap))

    def row(self, split: str, arm: str, coefficient: float) -> dict[str, Any]:
        """The row of one condition."""
        at = list(self.outcomes).index((split, arm, coefficient))
        return self.rows[at]

    def write(self, facts: Mapping[str, Any]) -> None:
        """The table, as JSON and CSV, and every continuation."""
        folder = self.out / "sweep"
        folder.mkdir()
        units = [f"{row['split']}/{row['arm']}/{row['coefficient']:g}" for row in self.rows]
        numbers = [name for name in self.rows[0] if name not in ("split", "arm")]
        table = {name: [float(row[name]) for row in self.rows] for name in numbers}
        about = {"arms": facts["arms"], "decided_arms": facts["decided_arms"], "cap": facts["cap"]}
        write_units(folder, "condition", units, table, about)
        with (folder / "sweep.csv").open("w", encoding="utf-8", newline="") as file:
            lines = csv.DictWriter(file, list(self.rows[0]), lineterminator="\n")
            lines.writeheader()
            lines.writerows(self.rows)
        with (self.out / "generations.jsonl").open("w", encoding="utf-8") as file:
            for line in self._generations():
                file.write(json.dumps(line, ensure_ascii=False) + "\n")

    def _generations(self) -> Iterable[dict[str, Any]]:
        for (split, arm, coefficient), outcome in self.outcomes.items():
            for k, (name, text) in enumerate(zip(outcome.ids, outcome.texts, strict=True)):
                success = {judge: int(values[k]) for judge, values in outcome.success.items()}
                about = {"split": split, "arm": arm, "coefficient": coefficient, "prompt": name, "text": text}
                yield {**about, "success": success, "nats": round(float(outcome.nats[k]), 4)}
