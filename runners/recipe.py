"""Recipe: what to build, in JSON. Its digest is the name under which the result is kept."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from .canonical import JSON, checked, sha256_of
from .errors import RecipeError

BUILDER = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")
RESERVED = ("out", "progress")  # keywords that every builder is called with
SHORT = 12  # hex digits of a digest that people are shown


@dataclass(frozen=True)
class Resources:
    """What a build needs; no part of the digest, since it says nothing about the result.

    Attributes:
        gpu: None for a build on the CPU, ``"any"``, or the kind of GPU that a runner shall find.
        minutes: expected minutes.
        memory_gb: expected peak of main memory, 10^9 bytes.
        here: it uses something that only this machine has, such as a server that the user named: it is built in the
            process that asks, whatever the runner.
    """

    gpu: str | None = None
    minutes: float | None = None
    memory_gb: float | None = None
    here: bool = False


@dataclass(frozen=True, eq=False)
class Recipe:
    """A builder, its version, its parameters, and the recipes of its inputs.

    Attributes:
        build: ``"mi.module:function"``, relative to the home of this package; see ``builder.py``.
        version: at least 1; goes up when the builder's result changes in meaning.
        params: JSON, given to the builder as keywords. Copied; tuples become lists.
        inputs: recipes whose finished folders the builder gets as keywords.
        resources: what the build needs. Not in the digest.
        label: what people read. Not in the digest.
        digest: sha256 over canonical JSON of ``build``, ``version``, ``params`` and the digests of ``inputs``.

    Raises:
        RecipeError: anything above that is not so.
    """

    build: str
    version: int
    params: Mapping[str, JSON] = field(default_factory=dict)
    inputs: Mapping[str, Recipe] = field(default_factory=dict)
    resources: Resources = field(default_factory=Resources)
    label: str = ""
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        if type(self.build) is not str or not BUILDER.fullmatch(self.build):
            raise RecipeError(f"builder {self.build!r}: expected 'package.module:function', a name and no object.")
        if type(self.version) is not int or self.version < 1:
            raise RecipeError(f"version {self.version!r} of {self.build}: expected a whole number from 1 up.")
        if not isinstance(self.params, Mapping) or not isinstance(self.inputs, Mapping):
            raise RecipeError(f"{self.build}: expected params and inputs by name, as two dicts.")
        for name, recipe in self.inputs.items():
            if type(name) is not str or not isinstance(recipe, Recipe):
                raise RecipeError(
                    f"input {name!r} of {self.build} is {type(recipe).__name__}: expected a Recipe under a string. "
                    "Plain values go to params."
                )
        object.__setattr__(self, "params", checked(self.params, f"params of {self.build}"))
        object.__setattr__(self, "inputs", dict(self.inputs))
        for name in (*self.params, *self.inputs):
            twice = name in self.params and name in self.inputs
            if twice or name in RESERVED or not name.isidentifier():
                why = "is both a parameter and an input" if twice else "cannot be a keyword of a builder"
                raise RecipeError(f"{name!r} of {self.build} {why}. Give it another name.")
        object.__setattr__(self, "digest", self._digest())

    def _digest(self) -> str:
        inputs = {name: recipe.digest for name, recipe in self.inputs.items()}
        return sha256_of({"build": self.build, "version": self.version, "params": self.params, "inputs": inputs})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Recipe) and other.digest == self.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __str__(self) -> str:
        return f"{self.name} ({self.digest[:SHORT]})"

    __repr__ = __str__

    @property
    def name(self) -> str:
        """The label, or the builder's function where nobody gave one."""
        return self.label or self.build.partition(":")[2]

    @property
    def here(self) -> bool:
        """Whether it can be built in the process that asks only; what is made from such a thing can as well."""
        return self.resources.here or any(recipe.here for recipe in self.inputs.values())

    def walk(self) -> Iterator[Recipe]:
        """Every recipe below and this one, each once, inputs before what needs them."""
        seen: set[str] = set()

        def below(recipe: Recipe) -> Iterator[Recipe]:
            if recipe.digest not in seen:
                seen.add(recipe.digest)
                for name in sorted(recipe.inputs):
                    yield from below(recipe.inputs[name])
                yield recipe

        return below(self)

    def to_json(self) -> dict[str, Any]:
        """``{"root": digest, "recipes": {digest: {...}}}``: flat, so that a shared input is written once."""
        recipes = {
            r.digest: {
                "build": r.build,
                "version": r.version,
                "params": checked(r.params, f"params of {r.build}"),
                "inputs": {name: i.digest for name, i in r.inputs.items()},
                "resources": asdict(r.resources),
                "label": r.label,
            }
            for r in self.walk()
        }
        return {"root": self.digest, "recipes": recipes}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Recipe:
        """The recipe that :meth:`to_json` wrote.

        Raises:
            RecipeError: another form, a recipe that is missing or needs itself, or a digest that its content has not.
        """
        made: dict[str, Recipe] = {}
        opened: set[str] = set()

        def one(digest: str) -> Recipe:
            if digest in made:
                return made[digest]
            if digest in opened:
                raise RecipeError(f"recipe {digest[:SHORT]} needs itself: expected inputs that end somewhere.")
            opened.add(digest)
            entry = data["recipes"][digest]
            recipe = cls(
                build=entry["build"],
                version=entry["version"],
                params=entry["params"],
                inputs={name: one(below) for name, below in entry["inputs"].items()},
                resources=Resources(**entry.get("resources", {})),
                label=entry.get("label", ""),
            )
            if recipe.digest != digest:
                raise RecipeError(
                    f"recipe {digest[:SHORT]} has the content of {recipe.digest[:SHORT]}: it was altered."
                )
            made[digest] = recipe
            return recipe

        try:
            return one(data["root"])
        except (LookupError, TypeError, AttributeError) as exc:
            raise RecipeError(
                f"no recipe ({type(exc).__name__}: {exc}): expected what Recipe.to_json writes."
            ) from None
