"""build: the one function that turns a recipe into an artifact, in every process of every runner."""

from __future__ import annotations

import stat
import time
import traceback
import warnings
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

from . import surroundings
from .artifact import Artifact, Manifest, content_of
from .builder import Builder, builder_of
from .canonical import checked
from .disk import FULL
from .errors import BuildFailedError, RecipeError, RunnersError, StoreWarning
from .eviction import fit
from .gpu import turn
from .progress import SILENT, Progress
from .recipe import Recipe
from .store import Store
from .text import clean, size, span
from .verification import listed, sha256_file

WORTH_SAYING = 2.0  # seconds of a build, from which its end gets a line as well
FRAMES = 8  # of a builder's traceback, the innermost


def build(recipe: Recipe, store: Store, progress: Progress = SILENT, runner: str = "inline") -> Artifact:
    """The artifact of ``recipe``: from the store, or built with whatever inputs it still needs.

    All builders are imported and their keywords checked before the first one starts.

    Raises:
        BuilderError: a builder that is not there or does not take what its recipe gives.
        BuildFailedError: a builder raised, now or earlier in this session; the store is as it was.
        StoreReadOnlyError, StoreFullError: what they say.
    """
    todo = plan([recipe], store)
    builders = {r.digest: found(r, store) for r in todo}
    for needed in todo:
        _build_one(needed, builders[needed.digest], store, progress, runner)
    made = store.find(recipe)
    if made is None:  # somebody has emptied the store meanwhile
        made = _build_one(recipe, found(recipe, store), store, progress, runner)
    return made


Find: TypeAlias = Callable[[Recipe], Artifact | None]


def plan(recipes: Iterable[Recipe], store: Store, find: Find | None = None) -> list[Recipe]:
    """What has to be built, inputs first. Inputs of what is there are not looked at, unless a rebuild was asked for.

    ``find``: where to look, if not in ``store``.
    """
    find = find or store.find
    todo: list[Recipe] = []
    seen: set[str] = set()

    def visit(recipe: Recipe) -> None:
        if recipe.digest in seen:
            return
        seen.add(recipe.digest)
        missing = find(recipe) is None
        if missing or store.session.rebuild is not None:
            for name in sorted(recipe.inputs):
                visit(recipe.inputs[name])
        if missing:
            todo.append(recipe)

    for recipe in recipes:
        visit(recipe)
    return todo


def found(recipe: Recipe, store: Store) -> Builder:
    """The builder; one whose module breaks when it is imported has failed.

    Raises:
        BuilderError: it is not there or does not take what its recipe gives.
        BuildFailedError: its module breaks.
    """
    try:
        return builder_of(recipe)
    except RunnersError:
        raise
    except Exception as exc:
        raise _failed(recipe, exc, store) from None


def _build_one(recipe: Recipe, builder: Builder, store: Store, progress: Progress, runner: str) -> Artifact:
    inputs = {name: store.find(i) or build(i, store, progress, runner) for name, i in recipe.inputs.items()}
    with store.locked(recipe, waiting=lambda: progress.say(f"waiting for {recipe}, which another process builds")):
        there = store.find(recipe)
        if there is not None:
            return there
        if earlier := store.failures.recall(recipe):
            raise earlier
        before = store.peek(recipe.digest)
        progress.say(f"building {recipe}")
        try:
            with turn(recipe, store):
                made = _run(recipe, builder, inputs, store, progress, runner)
        except BaseException as exc:
            stopped = not isinstance(exc, Exception) or getattr(exc, "keeps_work", False)
            if not (builder.resumable and stopped):
                store.discard(recipe)
            raise
    seconds = made.manifest.seconds
    if seconds >= WORTH_SAYING:
        progress.say(f"built {recipe} in {span(seconds)}, {size(made.manifest.bytes)}")
    if before is not None and before.content != made.manifest.content:
        progress.say(
            f"{recipe} has another content than before: its builder is not deterministic. What was built from the old "
            "one was kept; pytest --rebuild builds everything again"
        )
    keep_to_the_cap(store)
    return made


def _run(
    recipe: Recipe, builder: Builder, inputs: Mapping[str, Artifact], store: Store, progress: Progress, runner: str
) -> Artifact:
    with store.writing(recipe):
        out = store.workspace(recipe, resumable=builder.resumable)
    paths = {name: artifact.path for name, artifact in inputs.items()}
    params = checked(recipe.params, f"params of {recipe.build}")  # its own copy, to do with as it likes
    if Recipe(recipe.build, recipe.version, params, recipe.inputs) != recipe:
        raise RecipeError(f"the params of {recipe} were changed after it was made. Make a new recipe instead.")
    start = time.perf_counter()
    try:
        facts = builder.function(out, progress=progress, **paths, **params)
        seconds = time.perf_counter() - start
        facts = checked({} if facts is None else facts, "what the builder returned")
        files = _files(out)
        if not files and not facts:
            raise ValueError("the builder wrote no file and returned nothing")
    except (Exception, SystemExit) as exc:
        if _disk_is_full(exc):
            raise store.full(recipe) from None
        raise _failed(recipe, exc, store) from None
    manifest = Manifest(
        digest=recipe.digest,
        recipe=recipe.to_json(),
        files=files,
        content=content_of(files),
        inputs={name: artifact.manifest.content for name, artifact in inputs.items()},
        facts=facts,
        seconds=round(seconds, 3),
        when=datetime.now(UTC).isoformat(timespec="seconds"),
        runner=runner,
        device=surroundings.device(),
        platform=surroundings.system(),
        packages=dict(surroundings.packages()),
        session=store.session.id,
    )
    with store.writing(recipe):
        return store.publish(recipe, manifest)


def _files(out: Path) -> dict[str, dict[str, Any]]:
    """``{name: {"sha256", "bytes"}}`` of everything that a builder left."""
    found = {}
    for name, status in sorted(listed(out)):
        if not stat.S_ISREG(status.st_mode):
            raise ValueError(
                f"the builder left {name}, which is no plain file: expected files of its own, and no links"
            )
        found[name] = {"sha256": sha256_file(out / name), "bytes": status.st_size}
    return found


def _disk_is_full(exc: BaseException | None) -> bool:
    """Whether an error, or one that it came from, is a full disk; libraries wrap it in errors of their own."""
    while exc is not None:
        full = isinstance(exc, OSError) and exc.errno in FULL
        if full or "No space left on device" in str(exc):
            return True
        exc = exc.__cause__ or exc.__context__
    return False


def _failed(recipe: Recipe, exc: BaseException, store: Store) -> BuildFailedError:
    """The error for people, remembered for the rest of the session."""
    refusal, keeps_work = None, bool(getattr(exc, "keeps_work", False))
    if getattr(exc, "refused", False):
        refusal = {name: str(getattr(exc, name, "")) for name in ("given", "expected", "fix")}
        refusal["absent"] = "yes" if getattr(exc, "absent", False) else ""
        error = BuildFailedError(str(exc), str(exc), refusal, keeps_work)
    else:
        said = " ".join(str(exc).split())
        brief = f"{clean(recipe)} was not built: {recipe.build} raised {type(exc).__name__}: {said:.500}"
        frames = exc.__traceback__.tb_next if exc.__traceback__ else None  # the first one is ours
        shown = traceback.format_exception(type(exc), exc, frames, limit=-FRAMES)
        error = BuildFailedError(f"{brief}\n\n{''.join(shown).rstrip()}\n", brief, keeps_work=keeps_work)
    store.failures.remember(recipe, error)
    return error


def keep_to_the_cap(store: Store) -> None:
    """Make room, least recently used first; a warning where all that is too much is in use."""
    done = fit(store)
    if done.bytes > store.cap:
        warnings.warn(
            f"the store {store.root} holds {size(done.bytes)}, more than its cap of {size(store.cap)}, and all of it is "
            "in use. Raise the cap (--store-cap or MI_ASSAY_STORE_CAP) if that is meant.",
            StoreWarning,
            stacklevel=2,
        )
