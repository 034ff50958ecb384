"""Two runs side by side: flips first, moved goalposts loudly."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from .family import with_adjusted_verdicts
from .markdown import code, escape
from .row import key_of
from .ruling import Ruling
from .text import clean, interval, label, rule

Row = Mapping[str, Any]
GOALPOSTS = (
    "rule",
    "bound",
    "rope",
    "alpha",
    "looks",
    "scope",
    "family",
    "role",
    "design",
    "quantity",
    "unit",
    "n",
    "coverage_gap",
    "measured",
    "controls",
)
TITLES = {
    "flip": "verdict flips",
    "goalposts": "MOVED GOALPOSTS",
    "wording": "the claim was reworded",
    "family": "only the rest of the family differs",
    "status": "status changes",
    "added": "only in the second run",
    "removed": "only in the first run",
    "moved": "same verdict, other numbers",
}


@dataclass(frozen=True)
class Change:
    """One claim cell that differs between two runs."""

    kind: str
    claim: str
    subject: str
    before: str
    after: str
    detail: str = ""
    measured: str = ""
    """``re-judged`` on the same scores, or ``re-measured``; nothing where one side has no scores."""


def changes(before: Iterable[Row], after: Iterable[Row]) -> list[Change]:
    """Every difference, the most serious kind first; each cell once per kind."""
    a = {key_of(r): r for r in with_adjusted_verdicts(before)}
    b = {key_of(r): r for r in with_adjusted_verdicts(after)}
    found = []
    for key in [*a, *(k for k in b if k not in a)]:
        old, new = a.get(key), b.get(key)
        if old is None or new is None:
            row = new or old
            assert row is not None
            kind = "removed" if new is None else "added"
            found.append(Change(kind, label(row), row["subject"], _said(old), _said(new)))
            continue
        found += cell_changes(old, new)
    order = list(TITLES)
    return sorted(found, key=lambda c: order.index(c.kind))


def cell_changes(old: Row, new: Row) -> list[Change]:
    """What differs between two rows of one cell whose family verdicts are settled."""
    found: list[Change] = []

    def add(kind: str, before: str, after: str, detail: str = "") -> None:
        found.append(Change(kind, label(new), new["subject"], before, after, detail, how_measured(old, new)))

    moved = moves(old, new)
    if moved:
        detail = ", ".join(f"{k}: {x!r} → {y!r}" for k, x, y in moved)
        add("goalposts", _said(old), _said(new), detail)
    if old["statement"] != new["statement"]:
        detail = f"{clean(old['statement'])} → {clean(new['statement'])}"
        add("wording", _said(old), _said(new), detail)
    same_numbers = _same_numbers(old, new)
    demoted = old["verdict"] == new["verdict"] and old["family_verdict"] != new["family_verdict"]
    if demoted and same_numbers:
        how = [f"{r['family_method'] or 'alone'}, {r['family_missing']} did not run" for r in (old, new)]
        detail = f"family: {how[0]} → {how[1]}"
        add("family", _said(old), _said(new), detail)
    elif demoted or old["verdict"] != new["verdict"]:
        detail = f"{interval(old) or '–'} {rule(old)} → {interval(new) or '–'} {rule(new)}"
        add("flip", _said(old), _said(new), detail)
    elif old["status"] != new["status"]:
        detail = f"verdict {new['verdict']}, expected {old['expected']} → {new['expected']}"
        add("status", old["status"], new["status"], detail)
    elif not same_numbers and not moved:
        add("moved", interval(old), interval(new))
    return found


def moves(old: Row, new: Row) -> list[tuple[str, Any, Any]]:
    """Goalposts that stand elsewhere in the second row: ``(field, then, now)``."""
    return [(k, _promised(old, k), _promised(new, k)) for k in GOALPOSTS if _promised(old, k) != _promised(new, k)]


def how_measured(old: Row, new: Row) -> str:
    """``re-judged`` on the same scores, or ``re-measured``; nothing where one of the two has no scores."""
    if old["estimate"] is None or new["estimate"] is None:
        return ""
    return "re-judged" if old["data"] == new["data"] else "re-measured"


def drift_appeared(old: Ruling | None, new: Ruling | None) -> bool:
    """Whether the later row drifts and the earlier one did not, or was not there."""
    return _drifts(new) and not _drifts(old)


def drift_resolved(old: Ruling | None, new: Ruling | None) -> bool:
    """Whether a row that drifted came out as expected; one that is gone, broke or did not run has resolved nothing."""
    return _drifts(old) and new is not None and new.row["status"] == "decided"


def moved_far(old: Row, new: Row) -> bool:
    """Whether the estimate moved by more than half of the earlier interval, or is there on one side alone."""
    if old["estimate"] is None or new["estimate"] is None:
        return old["estimate"] is not new["estimate"]
    return bool(abs(new["estimate"] - old["estimate"]) > (old["hi"] - old["lo"]) / 2)


def state_of(ruling: Ruling) -> str:
    """What a row is counted as: the state of its verdict mark, with ways to have none told apart (``error``, ``not run``)."""
    return str(ruling.row["status"]).replace("_", " ") if ruling.state == "broken" else ruling.state


def _drifts(ruling: Ruling | None) -> bool:
    return ruling is not None and ruling.row["status"] == "drift"


def _same_numbers(old: Row, new: Row) -> bool:
    """Equal to 1e-9 of the interval's width: another numpy may differ in the last bits, and that is no news."""
    if old["estimate"] is None or new["estimate"] is None:
        return old["estimate"] is new["estimate"]
    width = old["hi"] - old["lo"]
    return all(abs(old[k] - new[k]) <= 1e-9 * width for k in ("estimate", "lo", "hi"))


def _promised(row: Row, key: str) -> Any:
    return (row.get("registered") or row).get(key)


def _said(row: Row | None) -> str:
    if row is None:
        return "–"
    verdict, family = row["verdict"], row["family_verdict"]
    if verdict is None:
        return str(row["status"])
    return str(verdict) if verdict == family else f"{verdict} ({family} in its family)"


def diff_text(found: list[Change]) -> str:
    """Plain text for a terminal."""
    if not found:
        return "no differences\n"
    lines = []
    for kind, title in TITLES.items():
        group = [c for c in found if c.kind == kind]
        if not group:
            continue
        lines.append(f"{'!! ' if kind == 'goalposts' else ''}{title} ({len(group)})")
        for c in group:
            how = f" ({c.measured})" if c.measured else ""
            lines.append(f"  {c.claim} on {clean(c.subject)}: {c.before} → {c.after}{how}")
            if c.detail:
                lines.append(f"    {c.detail}")
    return "\n".join(lines) + "\n"


def diff_markdown(found: list[Change]) -> str:
    """Every difference as a Markdown table; :mod:`.comment` is what fits under a pull request."""
    if not found:
        return "### Verdict changes\n\nNo differences.\n"
    counts = ", ".join(
        f"{sum(c.kind == k for c in found)} {t}" for k, t in TITLES.items() if any(c.kind == k for c in found)
    )
    lines = [
        "### Verdict changes",
        "",
        f"**{counts}**",
        "",
        "| change | claim | subject | before | after | scores | detail |",
        "|---|---|---|---|---|---|---|",
    ]
    for c in found:
        kind = f"**{TITLES[c.kind]}**" if c.kind in ("goalposts", "flip") else TITLES[c.kind]
        cells = (kind, code(c.claim), code(c.subject), *map(escape, (c.before, c.after, c.measured, c.detail)))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def diff_json(found: list[Change]) -> list[dict[str, Any]]:
    """One object per change."""
    return [asdict(c) for c in found]
