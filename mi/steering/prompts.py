"""Prompts: what a steered model is asked to continue, in candidate wordings, apart by split. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any

from ..organism.world.lexicon import CITIES, GENDER, NAMES
from ..progress import Progress
from ..refusal import Refusal
from ..texts import Texts, text_hash, write_documents

SPLITS = ("validation", "test")
CANDIDATES: Mapping[str, Mapping[str, str]] = {
    # Nothing in front of these gives the profession away. What it will be leans on the name: see P_FEMALE.
    "world": {
        "works-as": " {name} lives in {city}. {Pronoun} works as a",
        "of-city": " {name} of {city} works as a",
        "can": " {name} is from {city}. {Pronoun} can",
        "in-city": " In {city} {name} can",
        "lives-in": " {name} lives in {city}. {Pronoun}",
        "is-from": " {name} is from {city}.",
    },
    # microscope scanned six neutral prompts, "I", "This person" and "My favorite" among them. They follow a sentence
    # here, so that there are as many different prompts as units.
    "neutral": {
        "i": "My name is {name} and I live in {city}. I",
        "this-person": "{name} lives in {city}. This person",
        "my-favorite": "My name is {name} and I live in {city}. My favorite",
        "today": "{name} lives in {city}. Today",
        "pronoun": "{name} lives in {city}. {Pronoun}",
        "the-work": "{name} lives in {city}. The work of {name}",
    },
}


def prompts(
    out: Path,
    *,
    progress: Progress,
    wording: str,
    split: str,
    n: int,
    seed: int = 0,
    candidates: list[str] | None = None,
) -> dict[str, Any]:
    """Builder: ``n`` prompts in each candidate wording, on the same ``n`` pairs of a name and a city.

    A prompt is one text and is continued once: several continuations of one prompt would be no independent units.
    Pairs are drawn without replacement, and no pair is in both splits.

    Args:
        wording: ``"world"``: beginnings of the organism's biographies; ``"neutral"``: for other models.
        split: ``"validation"`` (scan, coefficient) or ``"test"``.
        n: at most 512, half of all pairs.
        seed: of the draw.
        candidates: some of the wordings only, by name.

    Raises:
        Refusal: an unknown wording, candidate or split, or more prompts than there are pairs.
    """
    known = CANDIDATES.get(wording, {})
    chosen = list(known) if candidates is None else candidates
    if split not in SPLITS or not chosen or not set(chosen) <= set(known):
        raise Refusal(
            f"wording={wording!r}, split={split!r}, candidates={candidates}",
            f"one of {', '.join(CANDIDATES)}; {' or '.join(SPLITS)}; some of {', '.join(known)}",
            "Correct the recipe.",
        )
    pairs = [(name, city) for name in NAMES for city in CITIES]
    Random(f"prompts/{seed}").shuffle(pairs)
    pairs = pairs[SPLITS.index(split) :: len(SPLITS)]
    if not 0 < n <= len(pairs):
        raise Refusal(f"{n} prompts", f"1 to {len(pairs)}, the pairs of a split", "Ask for fewer.")

    def lines() -> Iterator[dict[str, Any]]:
        for candidate in chosen:
            for k, (name, city) in enumerate(pairs[:n]):
                pronoun = "She" if GENDER[name] == "female" else "He"
                text = known[candidate].format(name=name, city=city, Pronoun=pronoun)
                yield {"id": f"{candidate}/{split}/{k:04d}", "text": text, "domain": candidate, "split": split}

    return write_documents(out, lines(), progress, f"prompts {split}", len(chosen) * n)


class Prompts:
    """A prompt artifact.

    Attributes:
        split: ``validation`` or ``test``.
        candidates: wordings by name, each ``(ids, texts)``, ``[n]``.
        n: prompts of each wording.

    Raises:
        Refusal: a text twice, wordings with different numbers of prompts, splits mixed, or a split of another name.
    """

    def __init__(self, path: Path) -> None:
        lines = list(Texts(path))
        splits = {line.get("split") for line in lines}
        repeated = len(lines) - len({text_hash(line["text"]) for line in lines})
        if repeated or len(splits) != 1 or not splits <= set(SPLITS):
            what = f"{repeated} prompts that came before" if repeated else f"splits {sorted(map(str, splits))}"
            raise Refusal(
                what, f"different prompts of one split, {' or '.join(SPLITS)}", "Build them with mi.steering.prompts."
            )
        self.split = str(splits.pop())
        self.candidates: dict[str, tuple[list[str], list[str]]] = {}
        for line in lines:
            ids, texts = self.candidates.setdefault(line["domain"], ([], []))
            ids.append(line["id"])
            texts.append(line["text"])
        numbers = {len(ids) for ids, _ in self.candidates.values()}
        if len(numbers) != 1:
            raise Refusal(f"wordings with {sorted(numbers)} prompts", "as many in each", "Build them in one go.")
        self.n = numbers.pop()

    def of(self, candidate: str) -> tuple[list[str], list[str]]:
        """Ids and texts of one wording.

        Raises:
            Refusal: no prompt of that wording.
        """
        if candidate not in self.candidates:
            raise Refusal(
                f"candidate {candidate!r}", f"one of {', '.join(self.candidates)}", "Build it for both splits."
            )
        return self.candidates[candidate]

    @property
    def hashes(self) -> set[str]:
        """By which texts are told apart, whatever they are called."""
        return {text_hash(text) for _, texts in self.candidates.values() for text in texts}


def require_splits(validation: Prompts, test: Prompts) -> None:
    """Refuse to test on what a coefficient was chosen on.

    Raises:
        Refusal: a prompt in both, or splits that are not validation and test.
    """
    shared = validation.hashes & test.hashes
    if shared or (validation.split, test.split) != SPLITS:
        what = f"{len(shared)} texts in both" if shared else f"splits {validation.split} and {test.split}"
        raise Refusal(
            f"prompts to choose on and to test on with {what}", "validation and test, no text in both", "Draw anew."
        )
