"""Table: a report as text."""

from __future__ import annotations

from itertools import groupby

from .report import Report, Row
from .tally import Rate

HEAD = ("scenario", "method", "N", "FP %", "99 % <=", "FF %", "99 % <=", "power", "floor", "")


def table(report: Report) -> str:
    """Scenario rows, then everything else by part, then what was missed."""
    cells = [HEAD, *(_cells(row) for row in report.rows)] if report.rows else []
    widths = [max(len(row[k]) for row in cells) for k in range(len(HEAD))] if cells else []
    lines = [
        "  ".join(
            cell.ljust(width) if k < 2 or k == len(HEAD) - 1 else cell.rjust(width)
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]
    if cells:
        lines.insert(1, "-" * (sum(widths) + 2 * len(widths)))
        lines.append("FP: false passes exactly at the bound; FF: false fails; both nominally at most 2.5 %.")
    for part, group in groupby(report.lines, key=lambda line: line.part):
        lines += ["", part]
        for line in group:
            lines.append(f"  {'ok  ' if line.cleared else 'MISS'}  {line.what}: {line.measured}  (bar: {line.bar})")
    missed = report.missed
    lines += ["", f"{len(missed)} bars missed in {report.seconds:.0f} s" + (":" if missed else ".")]
    return "\n".join([*lines, *(f"  {why}" for why in missed)])


def _cells(row: Row) -> tuple[str, ...]:
    verdict = "MISS: " + "; ".join(row.missed) if row.missed else "ok, known limit" if row.known_limit else "ok"
    return (
        row.scenario,
        row.method,
        f"{row.bound.n:,}",
        *_rate(row.bound.passed),
        *_rate(row.bound.failed),
        "" if row.power is None else f"{row.power:.3f}",
        "" if row.floor is None else f"{row.floor:.2f}",
        verdict,
    )


def _rate(rate: Rate) -> tuple[str, str]:
    return f"{100 * rate.value:.2f}", f"{100 * rate.upper:.2f}"
