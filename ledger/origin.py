"""Origin: which build an artifact behind the rows comes from, and from what. Provenance, and no part of any verdict.

A test hands over what is known as a property of its item, :data:`PROPERTY`, since the court does not know who builds.
The seal of a run keeps it once per artifact, so that rows stay small; a run that was killed or is older has none.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

from .cost import dollars
from .run import Run
from .text import clean

PROPERTY = "mi_assay.origins"
"""``{digest: origin}`` as JSON. See :func:`origin_of` for what an origin holds."""
SHORT = 12
MAX_BYTES = 2_000_000
"""Of all origins in one seal, as JSON: a line of a run file may not be endless, and a verdict is worth more."""

Origin = dict[str, Any]
_DIGEST = re.compile(r"[0-9a-f]{64}")
_INPUT = re.compile(rf"[0-9a-f]{{{SHORT}}}")
_DATA_FILE = re.compile(r"[^/\\]+@sha256:[0-9a-f]+")
"""A file of published numbers: ``table.csv@sha256:217e615aebbdcaf3``."""
_WHEN = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|\+00:00)")


def _text(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 200


def _amount(value: Any) -> bool:
    return type(value) in (int, float) and isfinite(value) and 0 <= value < 1e18


def _whole(value: Any) -> bool:
    return type(value) is int and 0 <= value < 10**18


def _inputs(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) <= 1000
        and all(isinstance(v, str) and _INPUT.fullmatch(v) for v in value)
    )


_FIELDS: dict[str, Callable[[Any], bool]] = {
    "label": _text,
    "builder": _text,
    "version": _whole,
    "inputs": _inputs,
    "bytes": _whole,
    "seconds": _amount,
    "when": lambda value: isinstance(value, str) and _WHEN.fullmatch(value) is not None,
    "runner": _text,
    "device": _text,
    "gpu": _text,
    "usd": _amount,
}
_ALWAYS = ("label", "builder", "inputs")


def origin_of(value: Any) -> Origin | None:
    """An origin as somebody else wrote it, checked field by field; None if it is none.

    ``label``, ``builder`` (``module:function``) and ``inputs`` (the first 12 hex digits of their digests) are always
    there. Where the build is known: ``version`` of the builder, ``bytes``, ``seconds``, ``when`` (ISO 8601, UTC),
    ``runner``, ``device``, and ``gpu`` (the kind that it asked for) and ``usd`` where there was one. Other keys are
    dropped.
    """
    if not isinstance(value, Mapping):
        return None
    kept = {name: value[name] for name in _FIELDS if value.get(name) is not None}
    whole = all(name in kept for name in _ALWAYS) and all(_FIELDS[name](said) for name, said in kept.items())
    return kept if whole else None


def origins(run: Run) -> dict[str, Origin]:
    """What the run's seal knows of artifacts, by digest. What is no origin is left out: a ledger may be forged."""
    return _checked((run.seal or {}).get("artifacts"))


def _checked(value: Any) -> dict[str, Origin]:
    if not isinstance(value, Mapping):
        return {}
    found = {str(digest): origin_of(about) for digest, about in value.items() if _DIGEST.fullmatch(str(digest))}
    return {digest: about for digest, about in found.items() if about is not None}


class Origins:
    """Gathers what tests hand over in one session, once per artifact."""

    def __init__(self) -> None:
        self._known: dict[str, Origin] = {}
        self._left_out: set[str] = set()
        self._bytes = 0

    def take(self, told: object) -> None:
        """Keep what is new in a property's value, or says more: a build may be known later than its recipe. What somebody else calls so costs nothing but itself."""
        try:
            value = json.loads(told) if isinstance(told, str) else None
        except (ValueError, RecursionError):
            return
        for digest, about in _checked(value).items():
            known = self._known.get(digest)
            if known is not None and len(known) >= len(about):
                continue
            size = len(json.dumps({digest: about}))
            if self._bytes + size > MAX_BYTES:
                self._left_out.add(digest)
                continue
            self._known[digest] = about
            self._bytes += size

    def sealed(self) -> dict[str, Any]:
        """What the seal says: ``artifacts``, and how many did not fit; nothing where nothing is known."""
        known = {"artifacts": dict(sorted(self._known.items()))} if self._known else {}
        return known | ({"artifacts_left_out": len(self._left_out)} if self._left_out else {})


@dataclass(frozen=True)
class Branch:
    """One artifact in the tree of a row.

    Attributes:
        digest: its name; where nothing is known of it, whatever the row or another artifact calls it.
        depth: 0 for what nothing else in the tree is made from.
        about: its origin, None where it is not known.
        also: inputs of it that are listed below another artifact.
    """

    digest: str
    depth: int
    about: Origin | None
    also: tuple[str, ...] = ()


def tree(known: Mapping[str, Origin], digests: Iterable[str]) -> list[Branch]:
    """The artifacts ``digests`` and everything below them, each once, parents before inputs.

    What one of them is made from stands below it, also where a row names both.
    """
    named = list(dict.fromkeys(map(str, digests)))
    inputs = _resolved(known, named)
    below = {d for root in named for d in _reached(inputs.get(root, ()), inputs) if d != root}
    order: dict[str, tuple[int, str | None]] = {}  # depth, and the artifact that it is listed below
    stack: list[tuple[str, int, str | None]] = []
    for root in [*(d for d in named if d not in below), *named]:  # the rest only where something needs itself
        stack.append((root, 0, None))
        while stack:
            digest, depth, parent = stack.pop()
            if digest not in order:
                order[digest] = depth, parent
                stack += [(i, depth + 1, digest) for i in reversed(inputs.get(digest, ()))]
    return [
        Branch(d, depth, known.get(d), tuple(i for i in inputs.get(d, ()) if order[i][1] != d))
        for d, (depth, _) in order.items()
    ]


def _resolved(known: Mapping[str, Origin], named: Iterable[str]) -> dict[str, list[str]]:
    """Inputs by their full digests, where one is known or named."""
    full: dict[str, list[str]] = {}
    for digest in {**known, **dict.fromkeys(named)}:
        full.setdefault(digest[:SHORT], []).append(digest)
    one = {short: found[0] for short, found in full.items() if len(found) == 1}
    return {d: list(dict.fromkeys(one.get(i, i) for i in about["inputs"])) for d, about in known.items()}


def _reached(start: Iterable[str], inputs: Mapping[str, list[str]]) -> set[str]:
    seen: set[str] = set()
    todo = list(start)
    while todo:
        digest = todo.pop()
        if digest not in seen:
            seen.add(digest)
            todo += inputs.get(digest, ())
    return seen


def tree_lines(branches: Iterable[Branch]) -> Iterator[str]:
    """One line per artifact, indented by what it is made for."""
    for b in branches:
        words = [] if b.about is None else [clean(b.about["label"])]
        words += [clean(name_of(b.digest)), *facts_of(b.digest, b.about)]
        if b.also:
            words.append(f"and from {', '.join(clean(name_of(d)) for d in b.also)}")
        yield f"{'  ' * min(b.depth, 20)}{'  '.join(words)}"


def name_of(digest: str) -> str:
    """A digest by its first 12 digits; the name of a data file, or whatever else a row names, whole."""
    return digest[:SHORT] if _DIGEST.fullmatch(digest) else digest


def facts_of(digest: str, about: Origin | None) -> list[str]:
    """What is known of an artifact besides its label, as text: builder, size, time, where it ran, dollars, when."""
    if about is None:
        return ["published data file" if _DATA_FILE.fullmatch(digest) else "origin not known"]
    version = f" version {about['version']}" if "version" in about else ""
    built = [f"{clean(about['builder'])}{version}"]
    if "bytes" in about:
        built.append(size(about["bytes"]))
    if "seconds" in about:
        built.append(f"{about['seconds']:.4g} s")
    where = " on ".join(clean(about[k]) for k in ("runner", "device") if k in about)
    spent = dollars(about["usd"]) if about.get("usd") else ""
    return [*built, *filter(None, (where, spent, about.get("when")))]


def size(n: int) -> str:
    """``498.9 kB``."""
    amount, unit = float(n), "B"
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 999.95 or unit == "GB":
            break
        amount /= 1000
    return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
