"""Evidence: an artifact that can be drawn, and the rows of the run that rest on it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..artifact_files import UNREADABLE, ArtifactFiles
from ..errors import LedgerError
from ..ruling import Ruling
from ..text import clean, interval, label, rule

UNITS = "units.json"
LARGEST = 1e150
"""Numbers from here on cannot be squared."""
ENTRIES = {int, float, type(None)}
"""What JSON can put into a column; its true and false are no numbers."""


@dataclass(frozen=True)
class Table:
    """What ``mi.unit_table`` wrote: columns with one number per unit, and facts."""

    units: tuple[str, ...]
    columns: Mapping[str, Sequence[float | None]]
    facts: Mapping[str, Any]

    def column(self, name: str) -> list[float]:
        """``[n_units]`` numbers.

        Raises:
            LedgerError: no such column, units without a number in it, or numbers that are too large or not finite.
        """
        given = self.columns.get(name)
        if given is None:
            raise LedgerError(f"no column {name!r}; there are {', '.join(sorted(self.columns)[:12])}")
        values = [v for v in given if v is not None]
        if len(values) != len(self.units):
            raise LedgerError(f"column {name!r} has {len(values)} numbers for {len(self.units)} units")
        if wrong := [v for v in values if not abs(v) < LARGEST]:
            raise LedgerError(f"column {name!r} has {len(wrong)} numbers that are not finite or not below {LARGEST:g}")
        return [float(v) for v in values]

    def mean(self, name: str) -> float:
        """The mean of a column."""
        values = self.column(name)
        if not values:
            raise LedgerError(f"column {name!r} is empty")
        return sum(values) / len(values)


@dataclass(frozen=True)
class Evidence:
    """One artifact in the store with the rulings of the rows that name it, in the order of the rows."""

    files: ArtifactFiles
    rulings: tuple[Ruling, ...]

    @property
    def digest(self) -> str:
        """Of the artifact."""
        return self.files.digest

    @cached_property
    def root(self) -> Mapping[str, Any]:
        """The recipe that it was built by: ``build``, ``params``, ``inputs``."""
        recipe = self.files.manifest["recipe"]
        found: Mapping[str, Any] = recipe["recipes"][recipe["root"]]
        return found

    @property
    def build(self) -> str:
        """The builder's dotted name in a checkout, such as ``mi.steering.sweep:sweep``."""
        return str(self.root["build"]).removeprefix("mi_assay.")

    @property
    def subject(self) -> str:
        """The model, as the rows call it."""
        return str(self.rulings[0].row["subject"])

    @cached_property
    def spec(self) -> Mapping[str, Any]:
        """The model's specification in the recipe or in what went into it: ``weights``, ``weights_seed``."""
        for recipe in self.ancestry():
            if isinstance(found := recipe["params"].get("subject"), Mapping):
                return found
        return {}

    def ancestry(self) -> Iterator[Mapping[str, Any]]:
        """The recipe, then those of its inputs, nearest first."""
        recipes = self.files.manifest["recipe"]["recipes"]
        wanted, seen = [self.files.manifest["recipe"]["root"]], set()
        while wanted:
            digest = wanted.pop(0)
            if digest not in seen:
                seen.add(digest)
                yield recipes[digest]
                wanted += recipes[digest]["inputs"].values()

    def about(self, key: str) -> Any:
        """What the rows say was executed (``measured``), None if they do not; the first row that says it."""
        for ruling in self.rulings:
            if (value := (ruling.row.get("measured") or {}).get(key)) is not None:
                return value
        return None

    def table(self, part: str = "") -> Table:
        """The numbers per unit, of the artifact or of a folder in it.

        Raises:
            LedgerError: absent, altered, or of another form.
        """
        name = f"{part}/{UNITS}" if part else UNITS
        data = self.files.json(name)
        try:
            columns = {str(k): tuple(v) for k, v in data["columns"].items()}
            if not set().union(*(map(type, c) for c in columns.values())) <= ENTRIES:
                raise ValueError
            return Table(tuple(map(str, data["units"])), columns, dict(data["facts"]))
        except UNREADABLE as exc:
            raise LedgerError(f"{name} of {self.digest[:12]}: not a table of units ({type(exc).__name__})") from None

    def has(self, part: str) -> bool:
        """Whether the artifact has a table in this folder."""
        return f"{part}/{UNITS}" in self.files.manifest["files"]

    def judged(self, **wanted: Any) -> list[Ruling]:
        """Rulings with an interval whose row was executed with these values; ``design``: of the contrast."""
        found = [r for r in self.rulings if r.row.get("estimate") is not None]
        return [r for r in found if all(_executed(r.row).get(k) == v for k, v in wanted.items())]


def labels(evidence: Iterable[Evidence]) -> tuple[str, ...]:
    """Labels of all rows that rest on these artifacts, each once."""
    return tuple(dict.fromkeys(label(r.row) for e in evidence for r in e.rulings))


def verdict_words(ruling: Ruling) -> str:
    """``microscope.dom-steers: +0.187 [+0.141, +0.230] > 0.1, pass``; why not, where there is no interval."""
    row = ruling.row
    if row.get("estimate") is None:
        return f"{label(row)}: {ruling.word}"
    return f"{label(row)}: {interval(row)} {rule(row)}, {clean(ruling.word)}"


def verdict_sentence(evidence: Iterable[Evidence], most: int = 12) -> str:
    """The verdicts that rest on these artifacts, in words."""
    rulings = {id(r): r for e in evidence for r in e.rulings}
    words = [verdict_words(r) for r in rulings.values()]
    more = f"; and {len(words) - most} more in the table of verdicts" if len(words) > most else ""
    return f"Verdicts: {'; '.join(words[:most])}{more}."


def _executed(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**(row.get("params") or {}), **(row.get("measured") or {}), "design": row["design"]}
