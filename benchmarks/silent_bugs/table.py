"""Table: the kill table for a terminal, and the words that it shares with the page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .report import Report, Row

HEAD = ("id", "bug", "killed", "check that fired", "meant", "claim", "largest effect")
WIDE = {"bug": 58, "check that fired": 54, "largest effect": 44}


def terminal(report: Report) -> str:
    """The whole result as text."""
    lines = []
    for title, rows in _sections(report):
        cells = [HEAD, *(_cells(report, row) for row in rows)]
        lines += [title, *_aligned(cells), ""]
    return "\n".join([*lines, *scores(report)])


def _sections(report: Report) -> Iterator[tuple[str, Sequence[Row]]]:
    if report.bugs:
        yield "Silent bugs", report.bugs
    if report.benign:
        yield "Harmless changes", report.benign
    if report.dropped:
        yield "Dropped: not silent", report.dropped


def _cells(report: Report, row: Row) -> tuple[str, ...]:
    n = len(row.trials)
    if not row.silent:
        why = next(t.why_not for t in row.trials if not t.silent)
        return (row.mutant.id, row.mutant.what, "-", why, "", "", "")
    hit = sum(bool(t.fired) for t in row.trials)
    killed = f"{hit}/{n}" if not row.mutant.benign else f"alarm {hit}/{n}" if hit else "quiet"
    meant = "yes" if row.meant_fired else f"no ({'/'.join(row.mutant.meant)})"
    return (
        row.mutant.id,
        row.mutant.what,
        killed,
        first_fired(row),
        "" if row.mutant.benign else meant,
        claim(row),
        largest(row),
    )


def first_fired(row: Row) -> str:
    """The first check that was meant, else the first one, and how many more; empty if none fired."""
    names = []
    for f in row.fired:
        kinds = [kind for kind in f.kinds if kind in row.mutant.meant] or f.kinds
        names.append(f"{'/'.join(kinds)} {f.check}".strip())
    return names[0] + (f" (+{len(names) - 1})" if len(names) > 1 else "") if names else ""


def claim(row: Row) -> str:
    """``flips 2/3``, or how far the numbers went otherwise."""
    return f"flips {row.flipped}/{len(row.trials)}" if row.flipped else row.severity


def largest(row: Row) -> str:
    """The flip if there is one, else the number that changed most relative to its clean value."""
    flips = [flip for t in row.trials for flip in t.flips]
    if flips:
        return flips[0]
    changed = [(name, was, now) for t in row.trials for name, (was, now) in t.numbers.items()]
    if not changed:
        return ""
    name, was, now = max(changed, key=lambda c: abs(c[2] - c[1]) / max(abs(c[1]), 1e-9))
    return f"{name} {was:.3g} -> {now:.3g}"


def scores(report: Report) -> list[str]:
    """The result in a few lines."""
    flipping = sum(row.flipped > 0 for row in report.bugs)
    lines = [
        f"detection: {report.detection} (every one of {report.seeds} data seeds; Wilson 95 %)",
        f"by the kind of check that was meant: {report.as_meant}",
        f"false alarms: {report.false_alarms}",
        f"silent bugs that flip a claim's verdict: {flipping} of {len(report.bugs)}",
        f"silent bugs that no number of their scene shows: {sum(r.severity == 'none' for r in report.bugs)}",
        f"dropped as not silent: {len(report.dropped)}",
    ]
    lines += [f"MISS: {problem}" for problem in report.problems]
    if report.seconds:
        lines.append(f"{len(report.problems)} problems in {report.seconds:.0f} s")
    return lines


def _aligned(cells: Sequence[Sequence[str]]) -> list[str]:
    cut = [[_cut(cell, WIDE.get(head, 200)) for head, cell in zip(HEAD, row, strict=True)] for row in cells]
    widths = [max(len(row[k]) for row in cut) for k in range(len(HEAD))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cut]
    lines.insert(1, "-" * (sum(widths) + 2 * (len(widths) - 1)))
    return lines


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
