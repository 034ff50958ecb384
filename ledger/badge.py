"""A badge: one subject's outcome as a small SVG, drawn here and asking no service."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

from .errors import LedgerError
from .report.palette import palette
from .ruling import Ruling, rulings
from .run import Run
from .text import clean, middle

FRESH = timedelta(days=30)
HEIGHT, LETTER, PAD = 20, 6.6, 7
_NOT_XML = re.compile("[\ufffe\uffff]")


def badge(run: Run, now: datetime, subject: str | None = None) -> str:
    """SVG that says ``organism 41/43 as expected``: rows as expected, of those with an expectation.

    The page's colours: blue; grey if the run is older than 30 days at ``now``, of unknown age, not sealed, or made on a tree that was not clean; black
    with a border if a row wants a person. The text never depends on the colour.

    Raises:
        LedgerError: a subject without rows, or none named where the run has several.
    """
    found = rulings(run.rows)
    subjects = sorted({r.row["subject"] for r in found})
    if subject is None and len(subjects) == 1:
        subject = subjects[0]
    if subject not in subjects:
        listed = ", ".join(clean(s) for s in subjects[:12]) or "none"
        given = "no subject was named" if subject is None else f"no rows on subject {subject!r}"
        raise LedgerError(f"run {run.id}: {given}; expected --subject with one of {listed}")
    mine = [r for r in found if r.row["subject"] == subject]
    problems = _problems(run, now)
    wanting = sum(r.attention for r in mine)
    state = "inc" if problems else "fg" if wanting else "pass"
    text = _outcome(mine)
    name = _NOT_XML.sub(" ", middle(clean(subject), 40)) or "?"
    more = [f"{wanting} row{'s want' if wanting > 1 else ' wants'} a person"] if wanting else []
    return _draw(name, text, state, f"{name}: {', '.join([text, *more, *problems])} (run {_NOT_XML.sub(' ', run.id)})")


def _outcome(found: list[Ruling]) -> str:
    expecting = [r for r in found if r.row["expected"] is not None]
    if not expecting:
        return f"{len(found)} row{'s' * (len(found) != 1)}, nothing expected"
    return f"{sum(not r.attention for r in expecting)}/{len(expecting)} as expected"


def _problems(run: Run, now: datetime) -> list[str]:
    """Why the run says little about the present."""
    found = []
    try:
        age = now - datetime.fromisoformat(str(run.header.get("time")).replace("Z", "+00:00")).astimezone(UTC)
    except (ValueError, OverflowError):
        found.append("of unknown age")
    else:
        found += [f"{age.days} days old"] if age > FRESH else []
    found += ["not whole"] if run.problems else []
    git = run.header["git"]
    if git.get("dirty") is not False or not git.get("commit"):
        found.append("from a tree that was not clean")
    return found


def _draw(name: str, text: str, state: str, title: str) -> str:
    colours = palette()
    left, right = (round(LETTER * len(s)) + 2 * PAD for s in (name, text))
    root = ElementTree.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "width": str(left + right),
            "height": str(HEIGHT),
            "viewBox": f"0 0 {left + right} {HEIGHT}",
            "role": "img",
            "aria-label": title,
        },
    )
    ElementTree.SubElement(root, "title").text = title
    for x, width, fill in ((0, left, colours["fg"]), (left, right, colours[state])):
        ElementTree.SubElement(root, "rect", {"x": str(x), "width": str(width), "height": str(HEIGHT), "fill": fill})
    if state == "fg":
        inside = {"x": str(left + 1), "y": "1", "width": str(right - 2), "height": str(HEIGHT - 2)}
        ElementTree.SubElement(root, "rect", {**inside, "fill": "none", "stroke": colours["bg"], "stroke-width": "1.5"})
    letters = ElementTree.SubElement(
        root,
        "g",
        {
            "fill": colours["bg"],
            "font-family": "Verdana,DejaVu Sans,sans-serif",
            "font-size": "11",
            "text-anchor": "middle",
        },
    )
    for x, width, content in ((0, left, name), (left, right, text)):
        about = {"x": str(x + width / 2), "y": "14", "textLength": str(width - 2 * PAD)}
        ElementTree.SubElement(letters, "text", about).text = content
    return ElementTree.tostring(root, encoding="unicode") + "\n"
