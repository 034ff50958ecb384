"""Collection: a test with a ``claim`` mark gets its registration, its cells, and its tier."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from .claim import Claim, cell_label
from .errors import RegistrationError
from .registry import find_report

CLAIM = pytest.StashKey[Claim]()
INDEX = pytest.StashKey[int]()
BROKEN = pytest.StashKey[str]()


def claim_id_of(node: Any) -> str | None:
    """The id in the nearest ``@pytest.mark.claim("report.name")``."""
    mark = node.get_closest_marker("claim")
    if mark is None:
        return None
    if len(mark.args) != 1 or not isinstance(mark.args[0], str) or mark.kwargs:
        raise RegistrationError(
            f"{node.nodeid}: @pytest.mark.claim takes one claim id, e.g. @pytest.mark.claim('microscope.control-a'); "
            f"given {mark.args!r} {mark.kwargs!r}. What is promised stands in the YAML file."
        )
    return str(mark.args[0])


def cells_of(node: Any) -> tuple[Claim, ...] | None:
    """The registered cells of a test's claim; None for a test that makes no claim.

    With ``--subject``: those on that subject, perhaps none; with ``--like``, those registered for the subject it names.
    """
    claim_id = claim_id_of(node)
    if claim_id is None:
        return None
    given = node.config.getoption("subject")
    guest = None if given is None else subject_name(given)
    like = None if guest is None else node.config.getoption("like")
    cells = find_report(claim_id, node.path.parent, guest, like).cells(claim_id)
    return cells if guest is None else tuple(c for c in cells if c.subject == guest)


def _require_like(config: pytest.Config, named: Collection[str]) -> None:
    """``--like`` has to name a subject of the claims; ``--subject`` then names none of them.

    Args:
        config: with both options.
        named: every subject that a collected claim names.

    Raises:
        UsageError: otherwise, with the subjects that there are.
    """
    like, guest = config.getoption("like"), subject_name(config.getoption("subject"))
    others = f"They name {', '.join(sorted(named))}."
    if guest in named:
        raise pytest.UsageError(
            f"--like {like} beside --subject {guest}, which has claims of its own. Expected a subject that no claim here "
            f"names: leave out --like. {others}"
        )
    if like not in named:
        raise pytest.UsageError(f"--like {like}: expected a subject that a claim here names. {others}")


def subject_name(given: str) -> str:
    """The name that ``--subject`` gives a subject in rows: a hub id as it is, a folder by its last part."""
    folder = Path(given).expanduser()
    return re.sub(r"[^A-Za-z0-9_.-]", "-", folder.resolve().name).lstrip("_.-") if folder.is_dir() else given


def parametrize(metafunc: pytest.Metafunc) -> None:
    """Give a claim test its registered cells as ``subject`` and parameter arguments."""
    try:
        cells = cells_of(metafunc.definition)
    except RegistrationError as exc:
        raise pytest.Collector.CollectError(str(exc)) from None
    if not cells:
        return
    by_hand = {
        name.strip()
        for mark in metafunc.definition.iter_markers("parametrize")
        for names in (mark.args[0] if mark.args else mark.kwargs["argnames"],)
        for name in (names.split(",") if isinstance(names, str) else names)
    }
    offered = ["subject", *dict.fromkeys(k for cell in cells for k in cell.params)]
    names = [n for n in offered if n in metafunc.fixturenames and n not in by_hand]
    if names:
        wanted = {tuple(_values(cell)[n] for n in names): cell for cell in cells if set(names) <= set(_values(cell))}
        ids = [
            "-".join(str(v) if n == "subject" else f"{n}={v}" for n, v in zip(names, values, strict=True))
            for values in wanted
        ]
        metafunc.parametrize(names, list(wanted), ids=ids)


def attach(items: Iterable[pytest.Item]) -> list[pytest.Item]:
    """Put each claim item's cell on its stash; what has none is marked broken and says why when it runs.

    Returns the items whose claim is not registered on the subject that ``--subject`` asks for.

    Raises:
        UsageError: see :func:`_require_like`.
    """
    config: pytest.Config | None = None
    named: set[str] = set()
    taken: dict[tuple[str, str, str], str] = {}
    tiers: set[str] = set()
    elsewhere = []
    for index, item in enumerate(items):
        try:
            cells = cells_of(item)
        except RegistrationError as exc:
            item.stash[BROKEN] = str(exc)
            continue
        if cells is None:
            continue
        if item.config.getoption("like") is not None:
            config, claim_id = item.config, str(claim_id_of(item))
            named |= {c.subject for c in find_report(claim_id, item.path.parent).cells(claim_id)}
        if not cells:
            elsewhere.append(item)
            continue
        item.stash[INDEX] = index
        given = getattr(getattr(item, "callspec", None), "params", {})
        matches = [c for c in cells if _fits(c, given)]
        claim = matches[0] if matches else cells[0]
        if len(matches) != 1:
            item.stash[BROKEN] = _no_cell(cells, matches, given)
        key = (claim.id, claim.subject, repr(sorted(claim.params.items())))
        if key in taken and BROKEN not in item.stash:
            item.stash[BROKEN] = (
                f"{claim.label} on {claim.subject} is already judged by {taken[key]}: one test per cell"
            )
        taken.setdefault(key, item.nodeid)
        item.stash[CLAIM] = claim
        if claim.tier:
            if claim.tier not in tiers:  # a project need not declare them for --strict-markers
                item.config.addinivalue_line("markers", f"{claim.tier}: tier of a claim")
                tiers.add(claim.tier)
            item.add_marker(getattr(pytest.mark, claim.tier))
        if item.config.pluginmanager.hasplugin("rerunfailures"):
            # A retried claim is a claim judged until it passes.
            item.add_marker(pytest.mark.flaky(reruns=0), append=False)
    if config is not None:
        _require_like(config, named)
    return elsewhere


def _values(cell: Claim) -> dict[str, Any]:
    return {"subject": cell.subject, **cell.params}


def _fits(cell: Claim, given: Mapping[str, Any]) -> bool:
    values = _values(cell)
    # Registered values are scalars; an array would answer == with an array.
    return all(getattr(v, "shape", ()) == () and values[k] == v for k, v in given.items() if k in values)


def _no_cell(cells: tuple[Claim, ...], matches: list[Claim], given: Mapping[str, Any]) -> str:
    name = cells[0].id
    if not matches:
        return f"{cell_label(name, given)} is not a registered cell; registered at {cells[0].where} are " + "; ".join(
            f"{c.label} on {c.subject}" for c in cells[:6]
        )
    apart = [k for k in _values(matches[0]) if len({repr(_values(c).get(k)) for c in matches}) > 1]
    return (
        f"{name} has {len(matches)} registered cells that this test does not tell apart; "
        f"let it take the argument{'s' * (len(apart) > 1)} {', '.join(apart)}"
    )
