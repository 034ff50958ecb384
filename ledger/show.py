"""One row in full: everything that somebody needs who wants to disbelieve it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from shlex import quote
from typing import Any

from .cards import card_units
from .cost import in_words
from .deciding import because
from .errors import LedgerError
from .home import command
from .origin import Origin, origins, tree, tree_lines
from .ruling import Ruling, rulings
from .run import Run
from .scores import read_scores
from .text import clean, interval, label, number, rule, units_of

UNITS_SHOWN = 12


def picked(run: Run, claim: str, subject: str | None) -> list[Ruling]:
    """The rows of a claim: by its id, the end of one, or one cell (``claim[k=16]``).

    Raises:
        LedgerError: no such row; the message lists what there is.
    """
    found = [
        r
        for r in rulings(run.rows)
        if any(n == claim or n.endswith(f".{claim}") for n in (r.row["claim"], label(r.row)))
    ]
    found = [r for r in found if subject is None or r.row["subject"] == subject]
    if not found:
        known = ", ".join(sorted({r["claim"] for r in run.rows})[:20])
        where = f" on {subject}" if subject else ""
        raise LedgerError(f"no row of {claim!r}{where} in run {run.id}; it has {known or 'no rows'}")
    return found


def show_text(run: Run, claim: str, subject: str | None, store: Path | None = None) -> str:
    """Every row of ``claim`` (a whole id, or the end of one) in the run, and whether ``store`` has cards of its units.

    Raises:
        LedgerError: no such row; the message lists what there is.
    """
    found = picked(run, claim, subject)
    try:
        scores: dict[str, Any] = dict(read_scores(run.scores_path))
    except LedgerError:
        scores = {}
    known = origins(run)
    return "\n\n".join("\n".join(_lines(r, run, scores, known, store)) for r in found) + "\n"


def _lines(
    r: Ruling, run: Run, scores: Mapping[str, Any], known: Mapping[str, Origin], store: Path | None
) -> Iterator[str]:
    row = r.row
    yield f"{label(row)} on {clean(row['subject'])}: {r.word}"
    yield f"  {clean(row['statement'])}"
    if row["estimate"] is not None:
        yield f"  {clean(_sentence(row))}"
    if r.note:
        yield f"  {r.note}"
    yield ""
    named = row.get("artifacts") or []
    traced = any(str(name) in known for name in named)
    for name, value in _facts(row, run):
        if name == "artifacts" and traced:
            continue
        if value not in (None, "", "None"):
            yield f"  {name:<14} {clean(value)}"
    yield from _deviations(row)
    if traced:
        yield ""
        yield "  artifacts, and below each what it was made from:"
        yield from (f"    {line}" for line in tree_lines(tree(known, named)))
    yield from _units(row, scores)
    units = card_units(row, store) if store is not None else []
    if units:
        yield ""
        yield f"  {len(units)} latents have a card: {command()} show {quote(label(row))} {run.id} --unit {units[0]}"


def _sentence(row: Mapping[str, Any]) -> str:
    """Numbers and rule in words; an interval that was overruled gives no reason."""
    said = f"{row['quantity']} {interval(row)}, {units_of(row)}"
    if row["verdict"] is None or row.get("limited_by") in row["flags"]:
        return f"{said}: {row['verdict'] or 'no verdict'}; wanted {rule(row)}"
    return f"{said}: {because(row)}"


def _facts(row: Mapping[str, Any], run: Run) -> Iterator[tuple[str, Any]]:
    yield (
        "expected",
        f"{row['expected']}{': ' + row['expected_why'] if row.get('expected_why') else ''}"
        if row["expected"]
        else None,
    )
    said = row.get("reported")
    yield "reported", ", ".join(f"{k} {v}" for k, v in said.items()) if said else None
    source = row.get("source") or {}
    yield "source", ", ".join(str(v) for v in source.values())
    yield "section", row.get("section")
    yield (
        "method",
        f"{row['method']} ({row.get('calibration')}), design {row['design']}, scope {row['scope']}"
        if row["method"]
        else None,
    )
    yield "also", ", ".join(f"{k} {v:.4g}" for k, v in (row.get("extra") or {}).items())
    yield "measured", ", ".join(f"{k} {v}" for k, v in (row.get("measured") or {}).items())
    if row.get("p_pass") is not None:
        yield (
            "p, one-sided",
            f"{row['p_pass']:.3g} against 'it fails', {row['p_fail']:.3g} against 'it passes': how often data at least this "
            "far out would come if the truth lay on the bound",
        )
    adjusted = row.get("adjusted")
    if adjusted:
        spread = adjusted["hi"] - adjusted["lo"]
        yield (
            "in its family",
            f"[{number(adjusted['lo'], spread)}, {number(adjusted['hi'], spread)}] ({adjusted['method']}, m={adjusted['m']}): {row['family_verdict']}",
        )
    elif row.get("family_method") and row["family_verdict"]:
        yield "in its family", f"{row['family_verdict']} ({row['family_method']})"
    if row.get("attempt"):
        yield (
            "attempt",
            f"{row['attempt']}{' (replay: nothing spent)' if row.get('replay') else ''}, one-sided error {row['alpha_spent']:.3g} of {row['alpha']:g}",
        )
    yield "controls", ", ".join(f"{c['id']} {c['verdict']}" for c in row.get("controls") or [])
    yield "registered", f"{row['where']} (hash {row['registered_hash']})"
    yield "executed", row.get("executed_hash")
    yield "unconfirmed", ", ".join(map(str, row.get("unconfirmed") or []))
    yield "artifacts", ", ".join(map(str, row.get("artifacts") or []))
    cost = row.get("cost") or {}
    words = in_words(cost["estimated_usd"], cost["spent_usd"]) if cost else ""
    yield "cost", f"{words}, shared with all rows that rest on the same builds" if words else None
    yield "data", row.get("data")
    yield "test", row["nodeid"]
    yield (
        "run",
        f"{run.id}, commit {str(row.get('git'))[:10]}{' (dirty)' if row.get('dirty') else ''}, packages {row.get('lock')}, {row.get('device')}, {row.get('seconds')} s",
    )


def _deviations(row: Mapping[str, Any]) -> Iterator[str]:
    for d in row["deviations"]:
        yield f"  DEVIATED       {clean(d['key'])}: registered {d['registered']!r}, executed {d['executed']!r}"


def _units(row: Mapping[str, Any], scores: Mapping[str, Any]) -> Iterator[str]:
    stored = scores.get(row.get("data") or "")
    if not stored:
        return
    arms = [list(a["values"]) for a in stored["arms"][:3]]
    units = stored["units"] or [str(i) for i in range(len(arms[0]))]
    yield ""
    yield f"  per unit ({len(units)} in all, {len(stored['arms'])} arm{'s' * (len(stored['arms']) != 1)}):"
    for i, unit in enumerate(units[:UNITS_SHOWN]):
        values = "  ".join(f"{float(a[i]):<10.6g}" for a in arms if i < len(a))
        yield f"    {clean(unit):<32.32} {values}".rstrip()
    if len(units) > UNITS_SHOWN:
        yield f"    … {len(units) - UNITS_SHOWN} more in the scores file"
