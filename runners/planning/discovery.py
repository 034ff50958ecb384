"""Discovery: what the tests of a session would have built, found by running them up to their first number."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from ..recipe import Recipe
from ..text import clean
from .imagined import ImaginedArtifact, NotBuiltYetError


@dataclass
class Wanted:
    """What one test asks for.

    Attributes:
        name: for people: its claim with subject and parameters, or the test's own.
        recipes: asked for directly, in their order.
        cut: why it could not be followed to its end; None if it reached ``judge``.
        skipped: why it would not run at all.
    """

    name: str
    recipes: list[Recipe] = field(default_factory=list)
    cut: str | None = None
    skipped: str | None = None


class _Judged(BaseException):
    """The test has all its numbers: a BaseException, so that no test catches it."""


def stop(*_: Any, **__: Any) -> None:
    """What stands for ``judge`` while a run is planned."""
    raise _Judged


class Discovery:
    """Runs tests with a runner that builds nothing, and keeps what they ask for.

    Measurements that are not there are imagined: tables of arbitrary numbers (see ``fixtures/imagined.py``), so that a test
    can be followed to the next thing that it needs. No imagined number can become a verdict: whoever asks for ``judge``
    gets :func:`stop`, no report is made, and each test runs again afterwards, for real. A test that has effects besides
    its builds has them twice.
    """

    def __init__(self, items: Sequence[pytest.Item]) -> None:
        self._items = items
        self._now: Wanted | None = None

    def take(self, recipes: Sequence[Recipe], there: Callable[[Recipe], Any]) -> list[Any]:
        """The runner was asked for these: artifacts that are there, and imagined ones."""
        assert self._now is not None
        self._now.recipes += [r for r in recipes if r not in self._now.recipes]
        return [there(recipe) or ImaginedArtifact(recipe) for recipe in recipes]

    def run(self, each: Callable[[], None]) -> list[Wanted]:
        """What every test asks for; ``each`` is called after each of them."""
        found = []
        for item, after in zip(self._items, [*self._items, None][1:], strict=True):
            self._now = Wanted(_named(item))
            found.append(self._now)
            with _quiet():
                self._follow(item, self._now)
                with contextlib.suppress(Exception):
                    item.session._setupstate.teardown_exact(after)
            each()
        self._now = None
        return found

    def _follow(self, item: pytest.Item, wanted: Wanted) -> None:
        if not isinstance(item, pytest.Function):
            wanted.cut = "no test function"
            return
        try:
            item._initrequest()
            item.ihook.pytest_runtest_setup(item=item)  # with its marks, and the checks of other plugins
            item.obj(**{name: item.funcargs[name] for name in item._fixtureinfo.argnames})
        except _Judged:
            pass
        except (pytest.skip.Exception, pytest.xfail.Exception) as exc:
            wanted.skipped = clean(exc.msg)
        except pytest.fail.Exception as exc:
            wanted.cut = clean(exc.msg or "it fails")
        except NotBuiltYetError as exc:
            wanted.cut = f"it reads {exc} first"
        except Exception as exc:  # imagined numbers need not make sense; a real error comes back in the real run
            wanted.cut = f"{type(exc).__name__}: {clean(exc):.120}"
        finally:
            item._initrequest()


def _named(item: pytest.Item) -> str:
    """``microscope.control-a[organism-concept=nurse]``."""
    mark = item.get_closest_marker("claim")
    _, bracket, parameters = item.name.partition("[")
    return f"{mark.args[0]}{bracket}{parameters}" if mark and mark.args else item.name


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    nowhere = io.StringIO()
    with contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
