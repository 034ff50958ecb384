"""Registry: ``<report>.yaml`` becomes claims, one per subject and cell."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from itertools import product
from math import isfinite
from pathlib import Path
from typing import Any

from .claim import Claim
from .errors import RegistrationError
from .home import command
from .noise_floor import WORD, noise_floor
from .verdict import RULES, Bound
from .yamlfile import KeyPath, YamlFile, read_yaml

SCHEMA = Path(__file__).with_name("claims.schema.json")
REQUIRED = ("quantity", "unit", "design")
OPTIONS = {"faithfulness": ("chance",), "one-set": ("between_set_sd", "between_set_df")}
"""Options that define an estimand and must be promised under ``measured``."""
WRITTEN = "written"  # in an expanded cell: where it stands among those of the file
ANY = "any"
"""Key under ``subjects``: the claim can be judged on subjects that the file does not name (``--subject``)."""
TOKEN_UNITS = frozenset({"token", "tokens", "position", "positions", "activation", "activations"})


def is_token_unit(unit: str | None) -> bool:
    """Whether a unit is a part of a document, whatever it is called: ``Token``, ``SAE activations``."""
    return bool(unit and unit.split() and unit.split()[-1].casefold() in TOKEN_UNITS)


@dataclass(frozen=True)
class Report:
    """All registered claims of one file, in its order."""

    name: str
    title: str
    path: Path
    claims: dict[str, tuple[Claim, ...]]
    """Cells per claim id."""

    def cells(self, claim_id: str) -> tuple[Claim, ...]:
        """The cells of one claim.

        Raises:
            RegistrationError: no such claim; the message names the nearest ones.
        """
        try:
            return self.claims[claim_id]
        except KeyError:
            near = get_close_matches(claim_id, self.claims, n=3)
            hint = f" Did you mean {' or '.join(near)}?" if near else ""
            raise RegistrationError(
                f"{self.path}: no claim {claim_id!r}.{hint} To register it: {command()} new {claim_id}"
            ) from None


def find_report(claim_id: str, folder: Path, guest: str | None = None, like: str | None = None) -> Report:
    """The report that registers ``claim_id``: ``<report>.yaml`` beside the test that speaks for it."""
    report, _, name = claim_id.partition(".")
    if not (report and name):
        raise RegistrationError(f"claim id {claim_id!r}: expected <report>.<claim>, e.g. 'microscope.control-a'")
    path = folder / f"{report}.yaml"
    if not path.is_file():
        raise RegistrationError(
            f"claim {claim_id!r}: {path} does not exist. A claim is registered before it is measured: "
            f"{command()} new {claim_id} --folder {folder.name}"
        )
    return load_report(path, guest, like)


def load_report(path: Path, guest: str | None = None, like: str | None = None) -> Report:
    """Read, validate and expand one claim file (cached by content).

    ``guest`` is a subject that the file need not name: claims registered for ``any`` subject get cells on it, or, where
    ``like`` names another subject, those registered for that one; without an expectation or a reported number.

    Raises:
        RegistrationError: anything that breaks the schema, with file, line and key.
    """
    stat = path.stat()
    return _load(path, stat.st_mtime_ns, stat.st_size, guest, like)


@cache
def _load(path: Path, _mtime: int, _size: int, guest: str | None, like: str | None) -> Report:
    file = read_yaml(path)
    _validate(file)
    data = file.data
    name = data["report"]
    if name != path.stem:
        raise RegistrationError(
            f"{file.where(('report',))}: report: {name!r} in a file called {path.name}; expected {path.stem!r}"
        )
    claims = {
        f"{name}.{key}": tuple(_cells(file, name, key, {**data.get("defaults", {}), **entry}, guest, like))
        for key, entry in data["claims"].items()
    }
    sized = _related(claims)
    _check_references(file, sized)
    return Report(name, data.get("title", name), path, sized)


@cache
def _validator() -> Any:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(json.loads(SCHEMA.read_text("utf-8")))


def _validate(file: YamlFile) -> None:
    from jsonschema.exceptions import best_match

    error = best_match(_validator().iter_errors(file.data))
    if error is not None:
        key, message = _explained(error)
        shown = ".".join(map(str, key)) or "(top level)"
        raise RegistrationError(f"{file.where(key)}: {shown}: {message}")
    for key in file.lines:
        value = _at(file.data, key)
        if isinstance(value, float) and not isfinite(value):
            raise RegistrationError(f"{file.where(key)}: {'.'.join(map(str, key))}: {value} is not a finite number")


_KINDS = {
    "object": "keys with values",
    "array": "a list",
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
}


def _explained(error: Any) -> tuple[KeyPath, str]:
    """The key that is wrong, and what was given, what was expected and what to do."""
    key: KeyPath = tuple(error.absolute_path)
    given, schema = error.instance, error.schema
    if error.validator == "oneOf" and "above" in str(schema.get("oneOf")):
        rules = [r for r in RULES if r in given]
        return key, f"expected exactly one of above, below, within; given {' and '.join(rules) or 'none'}"
    if error.validator == "additionalProperties" and isinstance(given, dict):
        known = sorted(schema.get("properties", {}))
        extra = sorted(set(map(str, given)) - set(known))[0]
        near = get_close_matches(extra, known, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}? " if near else ""
        return (*key, extra), f"unknown key; {hint}expected one of {', '.join(known)}"
    if error.validator == "required":
        missing = next(k for k in error.validator_value if k not in given)
        return key, f"{missing!r} is missing"
    if error.validator == "type":
        kinds = error.validator_value if isinstance(error.validator_value, list) else [error.validator_value]
        wanted = " or ".join(_KINDS.get(str(k), str(k)) for k in kinds)
        hint = ""
        if isinstance(given, str) and {"number", "integer"} & set(kinds):
            hint = "; write it without quotes, and 1.0e-3 rather than 1e-3"
        elif isinstance(given, bool):
            hint = "; YAML reads yes, no, on and off as true and false: quote the word"
        shown = "nothing" if given is None else f"{str(given)[:60]!r}"
        return key, f"given {shown}, expected {wanted}{hint}"
    message = error.message if len(error.message) < 300 else error.message[:300] + " …"
    return key, message


def _at(data: Any, key: KeyPath) -> Any:
    for part in key:
        if isinstance(data, list) and isinstance(part, int):
            data = data[part]
        else:
            data = data.get(part) if isinstance(data, dict) else None
    return data


def _cells(
    file: YamlFile, report: str, key: str, entry: dict[str, Any], guest: str | None, like: str | None
) -> Iterable[Claim]:
    at: KeyPath = ("claims", key)
    for need in REQUIRED:
        if need not in entry:
            raise RegistrationError(f"{file.where(at)}: claims.{key}: {need!r} is missing (here or under defaults)")
    if is_token_unit(entry["unit"]):
        raise RegistrationError(
            f"{file.where((*at, 'unit'))}: claims.{key}.unit: {entry['unit']!r} is not independent; expected documents, "
            "prompts, latents, data sets or training runs (tokens of one document: design clustered or ratio)"
        )
    if entry.get("scope") == "method" and entry["design"] != "runs" and not _expects_refusal(entry):
        raise RegistrationError(
            f"{file.where((*at, 'scope'))}: claims.{key}.scope: a method claim needs design: runs (units are training runs)"
        )
    for option in OPTIONS.get(entry["design"], ()):
        if option not in entry.get("measured", {}) and not _expects_refusal(entry):
            raise RegistrationError(
                f"{file.where(at)}: claims.{key}: design {entry['design']} needs measured: {{{option}: ...}}; "
                f"without it the promise does not say what is estimated"
            )
    rule = next(r for r in RULES if r in entry)
    for subject, key_of, on in _subjects(file, at, entry["subjects"], guest, like):
        for i, cell in enumerate(on.get("cells") or [{"params": {}}]):
            expected = cell.get("expected", on.get("expected"))
            if isinstance(expected, str):
                expected = {"verdict": expected}
            expected = expected or {}
            line: KeyPath = (*at, "subjects", key_of)
            written = cell.get(WRITTEN, i)
            line = (*line, "cells", written) if (*line, "cells", written) in file.lines else line
            yield Claim(
                id=f"{report}.{key}",
                report=report,
                statement=" ".join(entry["statement"].split()),
                quantity=entry["quantity"],
                unit=entry["unit"],
                design=entry["design"],
                bound=Bound(rule, _margin(entry[rule], entry["quantity"], file.where(line))),
                subject=subject,
                params=cell["params"],
                scope=entry.get("scope", "artifact"),
                family=entry.get("family", report),
                role=entry.get("role", "claim"),
                alpha=entry.get("alpha", 0.025),
                looks=entry.get("looks", "open"),
                n=on.get("n", entry.get("n")),
                coverage_gap=entry.get("coverage_gap", 0.0),
                rope=entry.get("rope"),
                measured=entry.get("measured", {}),
                controls=tuple(entry.get("controls", ())),
                supersedes=entry.get("supersedes"),
                tier=on.get("tier", entry.get("tier")),
                strict=entry.get("strict", False),
                expected=expected.get("verdict"),
                expected_why=expected.get("why"),
                expected_because=expected.get("because"),
                reported=cell.get("reported", on.get("reported")),
                source=entry.get("source") or file.data.get("source"),
                section=entry.get("section"),
                where=file.where(line),
            )


def _margin(stated: float | str, quantity: str, where: str) -> float:
    return noise_floor(quantity, where) if stated == WORD else float(stated)


def _subjects(
    file: YamlFile, at: KeyPath, subjects: dict[str, Any], guest: str | None, model: str | None
) -> Iterable[tuple[str, str, dict[str, Any]]]:
    """Name, key in the file and entry of each subject; a guest takes the entry of ``any``, or of its ``model``."""
    named = {name: on or {} for name, on in subjects.items() if name != ANY}
    if not named:
        raise RegistrationError(
            f"{file.where((*at, 'subjects'))}: {'.'.join(map(str, at))}.subjects: only {ANY!r}; "
            f"expected at least one subject by name (a claim that nobody is named for is never run)"
        )
    made: dict[str, dict[str, Any]] = {}
    for name, on in named.items():
        like, path = on.get("like"), (*at, "subjects", name)
        if like is None:
            made[name] = _expanded(on)
            continue
        if like not in named or "like" in named[like] or set(on) - {"like", "tier", "cells"}:
            raise RegistrationError(
                f"{file.where(path)}: {'.'.join(map(str, at))}.subjects.{name}: like: {like!r}; "
                "expected another subject of this claim that is written out, and beside like only tier, and cells "
                "that differ"
            )
        own = {k: v for k, v in on.items() if k not in ("like", "cells")}
        base = _expanded(named[like])
        if "cells" in on:
            base = _with_other_cells(base, _expanded(on), f"{file.where(path)}: {'.'.join(map(str, path))}")
        made[name] = {**base, **own}
    yield from ((name, name, on) for name, on in made.items())
    if ANY in subjects:
        on = subjects[ANY] or {}
        if any(k in entry for entry in (on, *on.get("cells", ())) for k in ("expected", "reported")):
            raise RegistrationError(
                f"{file.where((*at, 'subjects', ANY))}: {'.'.join(map(str, at))}.subjects.{ANY}: expected and reported "
                "speak of one subject; name the subject that they are known for"
            )
        if guest is not None and model is None and guest not in named:
            yield guest, ANY, _expanded(on)
    if guest is not None and model in made and guest not in named:
        yield guest, model, _without_outcome(made[model])


def _without_outcome(on: dict[str, Any]) -> dict[str, Any]:
    """What is registered, less what is known or expected of the one subject that it is registered for."""
    bare = {k: v for k, v in on.items() if k not in ("expected", "reported")}
    if "cells" in bare:
        bare["cells"] = [_without_outcome(cell) for cell in bare["cells"]]
    return bare


def _expanded(on: dict[str, Any]) -> dict[str, Any]:
    """A cell whose parameters list several values becomes one cell for each combination of them."""
    if "cells" not in on:
        return on
    cells = []
    for written, cell in enumerate(on["cells"]):
        lists = [v if isinstance(v, list) else [v] for v in cell["params"].values()]
        cells += [
            {**cell, "params": dict(zip(cell["params"], values, strict=True)), WRITTEN: written}
            for values in product(*lists)
        ]
    return {**on, "cells": cells}


def _with_other_cells(base: dict[str, Any], other: dict[str, Any], where: str) -> dict[str, Any]:
    """The cells of ``base``, those of ``other`` in place of the ones with the same parameters."""
    changed = {json.dumps(c["params"], sort_keys=True): c for c in other["cells"]}
    cells = [changed.pop(json.dumps(c["params"], sort_keys=True), c) for c in base.get("cells", ())]
    if changed:
        raise RegistrationError(
            f"{where}.cells: {', '.join(changed)}: no such cell; expected parameters of the subject that this one is like"
        )
    return {**base, "cells": cells}


def _expects_refusal(entry: dict[str, Any]) -> bool:
    """A claim may be registered only to record that it cannot be judged."""
    wanted = [on.get("expected") for on in (o or {} for o in entry["subjects"].values())]
    return all((w.get("verdict") if isinstance(w, dict) else w) == "refused" for w in wanted)


def _related(claims: dict[str, tuple[Claim, ...]]) -> dict[str, tuple[Claim, ...]]:
    """Tell each cell of the others: how many are registered in its family (run or not), and which it replaces."""
    from dataclasses import replace

    def groups(c: Claim) -> list[tuple[str, str, str]]:
        if c.role == "conjunction":
            return [("conjunction", c.id, c.subject)]
        own = [("headline", c.family, c.subject)] if c.role == "headline" else []
        return [*own, ("claim", c.report, c.subject)]

    sizes = Counter(g for cells in claims.values() for c in cells for g in groups(c))
    return {
        key: tuple(replace(c, family_size=sizes[groups(c)[0]], replaces=_chain(claims, c.supersedes)) for c in cells)
        for key, cells in claims.items()
    }


def _check_references(file: YamlFile, claims: dict[str, tuple[Claim, ...]]) -> None:
    for claim_id, cells in claims.items():
        key = claim_id.partition(".")[2]
        per_subject = Counter(c.subject for c in cells)
        if cells[0].role == "conjunction" and min(per_subject.values()) < 2:
            raise RegistrationError(
                f"{file.where(('claims', key))}: claims.{key}: a conjunction of one cell; expected at least two cells per "
                "subject (a single claim belongs to its family)"
            )
        seen = set()
        for cell in cells:
            mark = (cell.subject, json.dumps(dict(cell.params), sort_keys=True))
            if mark in seen:
                raise RegistrationError(
                    f"{cell.where}: claims.{key}: the cell {cell.label} on {cell.subject} is registered twice"
                )
            seen.add(mark)
        for field in ("controls", "supersedes"):
            value = getattr(cells[0], field)
            for other in value if isinstance(value, tuple) else [value] if value else []:
                report = other.partition(".")[0]
                elsewhere = report != file.data["report"] and (file.path.parent / f"{report}.yaml").is_file()
                if other == claim_id or not (other in claims or elsewhere):
                    raise RegistrationError(
                        f"{file.where(('claims', key, field))}: claims.{key}.{field}: {other!r} is not another claim; "
                        f"expected <report>.<claim> of this file or of a <report>.yaml beside it"
                    )


def _chain(claims: dict[str, tuple[Claim, ...]], old: str | None) -> tuple[str, ...]:
    """What a claim supersedes, and what that one superseded in turn."""
    found: list[str] = []
    while old is not None and old not in found:
        found.append(old)
        old = claims[old][0].supersedes if old in claims else None
    return tuple(found)
