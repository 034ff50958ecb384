"""read_run: a results folder that delphi left, by anybody and anywhere, in our accounting. Loads neither delphi nor torch."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from math import isnan
from pathlib import Path, PurePath
from typing import Any

from ..refusal import Refusal
from ..sample import Sample
from .accounting import Account, account

KINDS = {"detection": "detection", "fuzz": "fuzzing"}
"""Folders below ``scores``, and what their answers are called here."""
UNPARSED = "Explanation could not be parsed."
"""What delphi keeps, and scores, where its explainer said nothing that it could read."""
COLUMNS = ("score", "nulls_wrong", "parse_rate")


@dataclass(frozen=True)
class DelphiAnswers:
    """One latent's questions of one kind, in delphi's order.

    Attributes:
        activating: ``[n]`` whether the latent fires in the window.
        answers: ``[n]`` 1, 0, or None where delphi kept none.
        repeated: windows that were asked about before: delphi draws silent ones with replacement.
        short: missing answers of a last question with fewer windows than ``num_examples_per_scorer_prompt``: delphi
            throws every such answer away.
    """

    activating: tuple[bool, ...]
    answers: tuple[int | None, ...]
    repeated: int
    short: int

    @property
    def account(self) -> Account:
        """Balanced accuracy and parse rate, counted here; delphi's ``failed_count`` is always 0."""
        return account(self.activating, self.answers)

    @property
    def per_class(self) -> tuple[int, int]:
        """How many windows fire, and how many do not."""
        return sum(self.activating), len(self.activating) - sum(self.activating)


@dataclass(frozen=True)
class DelphiRun:
    """What one run found at one hookpoint.

    Attributes:
        name: of the folder.
        hookpoint: such as ``"layers.2.mlp"``.
        config: ``run_config.json``.
        asked: latents that were to be scored; None where the folder does not tell.
        explanations: per latent; None where there was none that could be read.
        answers: per kind (``"detection"``, ``"fuzzing"``) and latent.
        source: the folder by its content.
    """

    name: str
    hookpoint: str
    config: Mapping[str, Any]
    asked: int | None
    explanations: Mapping[int, str | None]
    answers: Mapping[str, Mapping[int, DelphiAnswers]]
    source: str

    @cached_property
    def parse_rate(self) -> dict[str, float]:
        """Per kind the share of windows with an answer. ``null`` in a list counts as one: see :func:`read_run`."""
        told = {kind: [a.account for a in of.values()] for kind, of in self.answers.items()}
        return {kind: 1 - sum(a.missing for a in of) / sum(a.n for a in of) for kind, of in told.items()}

    @cached_property
    def coverage(self) -> dict[str, float | None]:
        """Per kind the share of the latents asked for that have a score; None where nobody knows how many those are."""
        return {kind: len(self._scores(kind, "score")) / self.asked if self.asked else None for kind in self.answers}

    def sample(self, kind: str, column: str = "score", *, parsed: float = 0.98) -> Sample:
        """One number per latent, in the units of a claim; ``"<coder> <hookpoint> <latent>"`` are their ids.

        Latents without a readable explanation, without answers of both classes or without any file count as planned
        and not scored.

        Args:
            kind: ``"detection"`` or ``"fuzzing"``.
            column: ``"score"`` (balanced accuracy of the answers there are), ``"nulls_wrong"`` (missing ones counted as
                wrong) or ``"parse_rate"``.
            parsed: share of answers that have to be readable, for a score.

        Raises:
            Refusal: no such kind or column, nothing scored, too many answers that could not be read, or nobody knows out
                of how many latents.
        """
        if kind not in self.answers or column not in COLUMNS:
            raise Refusal(
                f"{column!r} of {kind!r}",
                f"one of {', '.join(COLUMNS)} of {', '.join(self.answers) or 'nothing: there are no answers'}",
                "Name what the run has.",
            )
        if self.asked is None:
            raise Refusal(
                f"a run of delphi over an unknown number of latents ({self.name})",
                "how many latents were asked for: those that survived are no sample of them",
                "Give read_run(..., asked=) the number, or the list, of the latents that were to be scored.",
            )
        if column != "parse_rate" and self.parse_rate[kind] < parsed:
            raise Refusal(
                f"{self.parse_rate[kind]:.1%} of the answers could be read ({kind})",
                f"at least {parsed:.0%}",
                "Use a scorer that keeps to the format; this is no low score.",
            )
        scores = self._scores(kind, column)
        return Sample(
            list(scores.values()),
            [f"{self.coder} {self.hookpoint} {latent}" for latent in scores],
            quantity="balanced accuracy" if column != "parse_rate" else "parse rate",
            unit="latent",
            support=(0, 1),
            sources=[self.source],
            planned=self.asked,
            params={
                "kind": kind,
                "column": column,
                "parsed": parsed,
                "parse_rate": round(self.parse_rate[kind], 4),
                "hookpoint": self.hookpoint,
                "asked": self.asked,
                **self._who(),
            },
        )

    @property
    def coder(self) -> str:
        """Hub id of the sparse coders, or the end of their path."""
        return _short(self.config.get("sparse_model"))

    def _who(self) -> dict[str, Any]:
        named = {key: _short(self.config.get(key)) for key in ("model", "explainer_model")}
        return {"coder": self.coder, "model": named["model"], "scorer": named["explainer_model"]}

    def _scores(self, kind: str, column: str) -> dict[int, float]:
        known = {latent: getattr(a.account, column) for latent, a in self.answers[kind].items()}
        # Where the explanations were not handed on nobody can tell; where one says that it is none, it is none.
        return {n: v for n, v in known.items() if not isnan(v) and self.explanations.get(n, "") is not None}


def read_run(folder: str | Path, hookpoint: str | None = None, asked: int | Collection[int] | None = None) -> DelphiRun:
    """The answers in a folder ``results/<name>`` of delphi 0.1: ``run_config.json``, ``explanations``, ``scores``.

    What cannot be recovered, because delphi does not keep what its scorer said: a ``null`` in a list of answers was
    turned into "no" and is counted as one here, so that a parse rate is an upper limit; which windows a scorer saw
    together; whether an answer of the wrong length was cut. Simulation scores are left out, they are no answers.

    ``log/hookpoint_firing_counts.pt`` is a pickle and is never opened.

    Args:
        folder: the run's.
        hookpoint: which one, if there are several.
        asked: the registered latents, or their number. By default the ``max_latents`` of the configuration, which are
            the first ones of the coder, or else all latents of the cache in ``latents``, if it is there.

    Raises:
        Refusal: no such run; several hookpoints; a file that is none of delphi's, or that contradicts itself; latents
            that this run's configuration did not ask for.
    """
    root = Path(folder).expanduser()
    config = _json(root, root / "run_config.json")
    if not isinstance(config, dict):
        raise Refusal(f"{root.name}/run_config.json", "delphi's configuration, an object", "Name a run's folder.")
    files = {kind: _latents(root / "scores" / of) for of, kind in KINDS.items() if (root / "scores" / of).is_dir()}
    texts = _latents(root / "explanations")
    at = _the_hookpoint(root, hookpoint, {h for of in (*files.values(), texts) for h, _ in of})
    shown = config.get("num_examples_per_scorer_prompt")
    scored = {
        kind: {n: _answers(root, path, shown) for (h, n), path in of.items() if h == at} for kind, of in files.items()
    }
    explained = {n: _explanation(root, path) for (h, n), path in texts.items() if h == at}
    paths = [path for of in (*files.values(), texts) for (h, _), path in of.items() if h == at]
    wanted, scored = _asked(root, config, at, asked, scored)
    return DelphiRun(root.name, at, config, wanted, explained, scored, _source(root, paths))


def _latents(folder: Path) -> dict[tuple[str, int], Path]:
    """``{(hookpoint, latent): file}``. delphi itself looks for ``*hookpoint*``: layers.1 then has layers.10, too."""
    found = {}
    for path in sorted(folder.rglob("*.txt")):
        stem = path.relative_to(folder).as_posix().removesuffix(".txt").replace("--", "/")
        name, _, number = stem.rpartition("_latent")
        if name and number.isdecimal():
            found[name, int(number)] = path
    return found


def _the_hookpoint(root: Path, wanted: str | None, known: set[str]) -> str:
    if not known:
        raise Refusal(f"no scores and no explanations in {root.name}", "a run that got so far", "Name its folder.")
    wanted = next(iter(known)) if wanted is None and len(known) == 1 else wanted
    if wanted not in known:
        raise Refusal(f"hookpoint={wanted!r}", f"one of {', '.join(sorted(known))}", "Name one of them.")
    return wanted


def _answers(root: Path, path: Path, shown: Any) -> DelphiAnswers:
    rows = _json(root, path)
    try:
        truth = tuple(row["activating"] for row in rows)
        said = tuple(row["prediction"] for row in rows)
        right = tuple(row["correct"] for row in rows)
        windows = [(a, *row["str_tokens"]) for a, row in zip(truth, rows, strict=True)]
    except (TypeError, KeyError):
        raise _bad(root, path, "answers of delphi's classifiers") from None
    if not rows or not {*map(type, truth)} <= {bool} or not {*map(type, said)} <= {bool, type(None)}:
        raise _bad(root, path, "a list of windows, each activating or not, with a prediction or null")
    if any(r is not (None if s is None else s is t) for t, s, r in zip(truth, said, right, strict=True)):
        raise _bad(root, path, "'correct' to be what activating and prediction say")
    rest = len(rows) % shown if type(shown) is int and shown > 0 else 0
    return DelphiAnswers(
        truth,
        tuple(None if s is None else int(s) for s in said),
        len(windows) - len(set(windows)),
        sum(s is None for s in said[len(rows) - rest :]),
    )


def _explanation(root: Path, path: Path) -> str | None:
    text = _json(root, path)
    if not isinstance(text, str):
        raise _bad(root, path, "an explanation, one string")
    return None if text.strip() in ("", UNPARSED) else text


def _asked(
    root: Path,
    config: Mapping[str, Any],
    hookpoint: str,
    asked: int | Collection[int] | None,
    scored: dict[str, dict[int, DelphiAnswers]],
) -> tuple[int | None, dict[str, dict[int, DelphiAnswers]]]:
    """How many latents were to be scored, and the answers to those."""
    if isinstance(asked, Collection):
        registered = {int(n) for n in asked}
        return len(registered), {kind: {n: a for n, a in of.items() if n in registered} for kind, of in scored.items()}
    width = max((int(p.stem.rpartition("_")[2]) + 1 for p in _cache(root / "latents" / hookpoint)), default=None)
    first = config.get("max_latents")
    limits = [n for n in (first, width) if type(n) is int]
    wanted = asked if asked is not None else min(limits, default=None)
    largest = max((n for of in scored.values() for n in of), default=-1)
    n_scored = max(map(len, scored.values()), default=0)
    if (limits and largest >= min(limits)) or (wanted is not None and wanted < n_scored):
        raise Refusal(
            f"{n_scored} scored latents up to {largest}, of {wanted} that {root.name} was to score",
            f"latents that max_latents={first} and the cache's width {width} allow",
            "delphi never clears a folder: remove the files of earlier runs, or give asked= the registered latents.",
        )
    return wanted, scored


def _cache(folder: Path) -> Sequence[Path]:
    return [p for p in folder.glob("*_*.safetensors") if p.stem.rpartition("_")[2].isdecimal()]


def _json(root: Path, path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise _bad(root, path, f"a file of delphi ({type(error).__name__})") from None


def _bad(root: Path, path: Path, expected: str) -> Refusal:
    return Refusal(f"{root.name}/{path.relative_to(root).as_posix()}", expected, "Take the run as delphi left it.")


def _source(root: Path, paths: Sequence[Path]) -> str:
    total = sha256()
    for path in sorted([*paths, root / "run_config.json"]):
        total.update(path.relative_to(root).as_posix().encode() + b"\0" + sha256(path.read_bytes()).digest())
    return f"{root.name}@sha256:{total.hexdigest()[:16]}"


def _short(name: Any) -> str:
    """A hub id as it is; of a path, no more than its last two parts."""
    path = PurePath(str(name))
    return "/".join(path.parts[-2:]) if path.is_absolute() else str(name)
