"""The budget command: what builds for money were estimated at, what they came to, and what nobody knows yet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from textwrap import wrap
from typing import Any

from .cost import dollars
from .errors import LedgerError
from .folders import LOCAL
from .home import command, sibling
from .text import clean, middle

FILE = LOCAL.parent / "spending.jsonl"
SHOWN = 10
NAME = 34  # columns of the first column of a table


def read_budget(root: Path, budget: str | None, settle: Sequence[str] = ()) -> dict[str, Any]:
    """Everything that the command shows, after settling what it was told to.

    Args:
        root: the repository.
        budget: USD; None for ``$MI_ASSAY_BUDGET`` or the default.
        settle: ``KEY=USD`` for open starts.

    Returns:
        ``cap_usd``, ``spent_usd``, ``open_worst_usd``, ``left_usd``; ``open`` and ``last`` (entries as dicts);
        ``engines`` and ``builders`` (name, builds, estimated_usd, spent_usd).

    Raises:
        LedgerError: a journal or an amount that cannot be read, a key that is unknown or not open.
    """
    spending, budgets = sibling("runners.money.spending"), sibling("runners.money.budget")
    journal = spending.Journal(root / FILE)
    try:
        cap = budgets.cap_usd(budget)
        entries = journal.entries()
        for key, usd in [_settling(said, entries) for said in settle]:  # all are checked before the first is written
            if not journal.end(key, usd=usd, seconds=0.0, how="settled"):
                raise LedgerError(f"--settle {clean(key)}: it has ended meanwhile, and the first end counts")
        entries = journal.entries()
        spent, worst = journal.spent(), journal.open_worst()
    except sibling("runners.errors").RunnersError as exc:
        raise LedgerError(" ".join(filter(None, (str(exc), getattr(exc, "fix", ""))))) from None
    closed = [e for e in entries if not e.open]
    return {
        "cap_usd": cap,
        "spent_usd": spent,
        "open_worst_usd": worst,
        "left_usd": cap - spent - worst,
        "open": [vars(e) for e in entries if e.open],
        "engines": _grouped(spending, closed, lambda e: f"{e.engine} {e.gpu or 'CPU'}"),
        "builders": _grouped(spending, closed, lambda e: e.build),
        "last": [vars(e) for e in sorted(closed, key=lambda e: str(e.ended))[-SHOWN:]],
    }


def _settling(said: str, entries: Sequence[Any]) -> tuple[str, float]:
    key, _, amount = said.rpartition("=")
    try:
        usd = float(amount.removeprefix("$"))
    except ValueError:
        usd = -1.0
    if not key or not 0 <= usd < float("inf"):
        raise LedgerError(f"--settle {clean(said)!r}: expected a key and what it has cost in USD, such as 1a2b3c=0.42")
    found = [e for e in entries if e.key == key] or [e for e in entries if e.key.startswith(key)]
    still = ", ".join(e.key for e in entries if e.open) or "none"
    if len(found) != 1:
        what = f"{len(found)} starts have a key that begins so" if found else "no start has this key"
        raise LedgerError(f"--settle {clean(key)}: {what}; open are: {clean(still)}")
    if not found[0].open:
        closed = f"it ended at {dollars(found[0].usd)} ({found[0].how}), and what is written stays"
        raise LedgerError(f"--settle {clean(key)}: {closed}; open are: {clean(still)}")
    return found[0].key, usd


def _grouped(spending: Any, entries: Sequence[Any], name: Any) -> list[dict[str, Any]]:
    groups: dict[str, list[Any]] = {}
    for entry in entries:
        groups.setdefault(name(entry), []).append(entry)
    found = []
    for group, members in groups.items():
        estimated, spent = spending.sums(members)
        found.append({"name": group, "builds": len(members), "estimated_usd": estimated, "spent_usd": spent})
    return sorted(found, key=lambda g: (-float(str(g["spent_usd"])), str(g["name"])))


def budget_lines(found: dict[str, Any], now: datetime, width: int = 80) -> Iterator[str]:
    """The same for people, in at most ``width`` columns."""
    starts = len(found["open"])
    yield f"{'spent':<8}{dollars(found['spent_usd']):>10}"
    yield f"{'open':<8}{dollars(found['open_worst_usd']):>10}  {starts} start{'s' * (starts != 1)} without an end, at the worst case"
    left = found["left_usd"]
    yield f"{'cap':<8}{dollars(found['cap_usd']):>10}  --budget, $MI_ASSAY_BUDGET"
    yield f"{'left':<8}{dollars(max(left, 0)):>10}{'' if left >= 0 else f'  over the cap by {dollars(-left)}'}"
    if found["open"]:
        yield from ("", "open: running now, or killed before anybody knew what it cost")
    for e in found["open"]:
        ago, expected, worst = _ago(e["when"], now), dollars(e["estimate_usd"]), dollars(e["worst_usd"])
        yield f"  {middle(clean(e['label']), width - 2)}"
        about = f"{e['engine']} {e['gpu'] or 'CPU'}, started {ago} ago, expected {expected}, at worst {worst}"
        yield from wrap(clean(about), width, initial_indent="    ", subsequent_indent="    ")
        yield f"    not running any more? {command()} budget --settle {clean(e['key'])}=USD"
    for title, groups in (("engine and GPU", found["engines"]), ("builder", found["builders"])):
        if groups:
            yield ""
            yield f"{title:<{NAME}} {'builds':>7} {'estimated':>11} {'spent':>11} {'spent/est.':>11}"
        for g in groups:
            ratio = f"{g['spent_usd'] / g['estimated_usd']:.2f}" if g["estimated_usd"] else "-"
            usd = f"{dollars(g['estimated_usd']):>11} {dollars(g['spent_usd']):>11}"
            yield f"{middle(clean(g['name']), NAME):<{NAME}} {g['builds']:>7} {usd} {ratio:>11}"
    if found["last"]:
        yield from ("", f"last {len(found['last'])} of {sum(g['builds'] for g in found['engines'])}")
    cells = [
        (
            clean(e["ended"])[5:16].replace("T", " "),
            clean(e["label"]),
            middle(clean(f"{e['engine']} {e['gpu'] or 'CPU'}"), 18),
            _span(e["seconds"]),
            dollars(e["usd"]),
            clean(e["how"]),
        )
        for e in reversed(found["last"])
    ]
    wide = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for when, label, where, took, usd, how in cells:
        rest = f"{where:<{wide[2]}}  {took:>{wide[3]}}  {usd:>{wide[4]}}  {how:<{wide[5]}}"
        room = width - len(when) - len(rest) - 4
        yield f"{when}  {middle(label, room):<{room}}  {rest}".rstrip()


def _ago(when: str, now: datetime) -> str:
    try:
        return _span((now - datetime.strptime(when, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)).total_seconds())
    except ValueError:
        return "unknown time"


def _span(seconds: float) -> str:
    for limit, per, unit in ((120, 1, "s"), (7200, 60, "min"), (172_800, 3600, "h")):
        if seconds < limit:
            return f"{max(seconds, 0) / per:.0f} {unit}"
    return f"{seconds / 86_400:.0f} d"
