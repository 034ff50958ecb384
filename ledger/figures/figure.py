"""Figure: one drawing with the numbers that it shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element

Cell = str | int | float | None


@dataclass(frozen=True)
class Figure:
    """One drawing, its table, and what it rests on.

    Attributes:
        id: unique within a run; letters, digits and hyphens.
        title: what is shown, of what.
        caption: how to read it: what marks, bars and bands are, and how many units they rest on.
        sentence: what it shows in words: estimates, intervals, bounds, verdicts. The drawing's accessible name.
        subject: the model.
        claims: labels of the rows that rest on the artifacts.
        artifacts: digests of what is drawn.
        svg: the drawing. Colours come from ``report/assets/figures.css``, by class; nothing else does.
        columns: names of the table's columns.
        rows: the table; None where a number cannot be measured, with the reason in the last column.
    """

    id: str
    title: str
    caption: str
    sentence: str
    subject: str
    claims: tuple[str, ...]
    artifacts: tuple[str, ...]
    svg: Element
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def table(self) -> list[dict[str, Any]]:
        """The table as one dict per row."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]
