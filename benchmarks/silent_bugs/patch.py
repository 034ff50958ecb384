"""Patches: attributes replaced while a mutant is enacted, and restored whatever happens."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

_ABSENT = object()


@contextmanager
def replaced(owner: Any, name: str, new: Any) -> Iterator[None]:
    """``owner.name`` is ``new`` inside. What was only inherited is deleted again afterwards."""
    old = vars(owner).get(name, _ABSENT)
    _holds(owner, name)
    setattr(owner, name, new)
    try:
        yield
    finally:
        if old is _ABSENT:
            delattr(owner, name)
        else:
            setattr(owner, name, old)


@contextmanager
def wrapped(owner: Any, name: str, around: Callable[[Any], Any]) -> Iterator[None]:
    """``owner.name`` is ``around(what it was)`` inside; static and class methods stay what they are."""
    _holds(owner, name)
    raw = vars(owner).get(name, _ABSENT)
    kind = type(raw) if isinstance(raw, staticmethod | classmethod) else None
    inner = raw.__func__ if kind else getattr(owner, name) if raw is _ABSENT else raw
    with replaced(owner, name, kind(around(inner)) if kind else around(inner)):
        yield


def _holds(owner: Any, name: str) -> None:
    if not hasattr(owner, name):
        raise AttributeError(
            f"{owner!r} has no {name!r} to replace: the mutant no longer fits the code that it changes"
        )


@contextmanager
def together(*patches: Any) -> Iterator[None]:
    """Several patches at once."""
    with ExitStack() as stack:
        for patch in patches:
            stack.enter_context(patch)
        yield


@contextmanager
def rewritten(owner: Any, name: str, *changes: tuple[str, str]) -> Iterator[None]:
    """``owner.name`` with some of its source text replaced inside.

    For bugs that live in the middle of a long function of a library. Each old text has to be there, so that the mutant
    does not quietly become harmless when the library changes.
    """
    function = inspect.unwrap(getattr(owner, name))
    source = textwrap.dedent(inspect.getsource(function))
    for old, new in changes:
        if old not in source:
            raise AttributeError(f"{name} no longer says {old!r}: the mutant no longer fits the code that it changes")
        source = source.replace(old, new)
    scope: dict[str, Any] = {}
    exec(compile(source, f"<mutant of {name}>", "exec"), vars(inspect.getmodule(function)), scope)
    with replaced(owner, name, scope[name]):
        yield
