"""Controls: a claim that names controls stands only as far as they do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Row = Mapping[str, Any]


def with_controls(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Rows with their controls' verdicts filled in, and ``control_problems`` where one does not hold.

    A control holds when every one of its cells on the same subject passed in the same run.
    """
    out = [dict(r) for r in rows]
    cells: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in out:
        cells.setdefault((row["claim"], row["subject"]), []).append(row)
    for row in out:
        controls, problems = [], []
        for control in row.get("controls") or []:
            found = cells.get((control["id"], row["subject"]), [])
            verdicts = [c.get("verdict") for c in found]
            held = bool(found) and all(v == "pass" for v in verdicts)
            state = (
                "pass"
                if held
                else "missing"
                if all(c["status"] == "not_run" for c in found)
                else next(
                    (str(v or c["status"]) for v, c in zip(verdicts, found, strict=True) if v != "pass"), "missing"
                )
            )
            controls.append({**control, "verdict": state})
            if not held:
                problems.append(f"control {control['id']} {'did not run' if state == 'missing' else f'is {state}'}")
        row["controls"] = controls
        row["control_problems"] = problems if row.get("verdict") == "pass" else []
    return out
