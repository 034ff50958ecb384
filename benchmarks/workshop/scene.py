"""Scene: the embedded model, the sites and sizes of its plan, and texts of its world in a store of their own."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fixtures.plan import Plan, plan_for
from fixtures.recipes import TRAIN, Recipes
from mi.progress import SILENT
from mi.subjects.spec import spec_folder, subject_spec
from mi.texts import FILE
from runners.runner import Runner, open_runner
from runners.store import Store

SUBJECT = "organism"


@dataclass(frozen=True)
class Scene:
    """What every measurement here works on.

    Attributes:
        folder: scratch space, gone afterwards.
        spec: the subject.
        plan: its plan, or a share of it.
    """

    folder: Path
    spec: dict[str, Any]
    plan: Plan

    @property
    def recipes(self) -> Recipes:
        return Recipes(self.spec, self.plan)

    @property
    def runner(self) -> Runner:
        return open_runner("inline", Store(self.folder / "store"))

    @property
    def texts(self) -> Path:
        """The plan's training documents."""
        return self.runner.build(self.recipes.texts(TRAIN)).path

    @property
    def lines(self) -> list[str]:
        """Their texts alone."""
        return [json.loads(line)["text"] for line in (self.texts / FILE).read_text("utf-8").splitlines()]

    @property
    def sites(self) -> list[str]:
        return self.recipes.sites

    @property
    def model(self) -> Path:
        """The model's files."""
        return spec_folder(self.spec)

    def new(self, name: str) -> Path:
        """An empty folder."""
        return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.folder))

    def harvest(self, texts: Path | None = None, **params: Any) -> tuple[Path, dict[str, Any]]:
        """Our builder, as the plan's recipe has it: the artifact and its facts."""
        from mi.activations.harvest import harvest

        out = self.new("activations")
        given: dict[str, Any] = {**self.recipes.activations(TRAIN).params, **params}
        return out, harvest(out, progress=SILENT, texts=texts or self.texts, **given)


@contextmanager
def scene(share: float = 1.0) -> Iterator[Scene]:
    """A scene with ``share`` of the plan's documents and rows."""
    spec = subject_spec(SUBJECT)
    plan = plan_for(spec)
    plan = replace(plan, documents=max(400, int(plan.documents * share)), rows=max(4096, int(plan.rows * share)))
    with tempfile.TemporaryDirectory() as name:
        yield Scene(Path(name), spec, plan)
