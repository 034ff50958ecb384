"""examples: contexts to explain the registered latents from, and other ones to score the explanations on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..metrics.token_strings import TokenStrings
from ..progress import Progress
from ..refusal import Refusal
from ..subjects.tokens import Vocabulary, load_tokenizer
from . import registered
from .auc import auc
from .cached import Cached
from .last_look import last_look
from .latent_examples import LatentExamples, write_latents
from .sampler import Sampler, Sizes
from .usable import usable


def examples(
    out: Path,
    *,
    progress: Progress,
    train: Path,
    test: Path,
    subject: dict[str, Any],
    drawn: list[int],
    digest: str,
    n_explain: int = 20,
    n_test: int = 40,
    n_silent: int = 50,
    deciles: int = 10,
    min_examples: int = 50,
    seed: int = 0,
    repeat: int = 0,
) -> dict[str, Any]:
    """Builder: for each registered latent that has enough of them, windows of both kinds from both sides.

    Windows in which it fires come in equal numbers from each decile of their strongest activation (delphi's
    constructor and sampler), those in which it does not are matched to them in length. Every scored latent has
    exactly ``n_test`` and ``n_silent`` of them; the others are in ``dead`` or ``lost``, with the numbers.
    ``index.json`` has settings, coder, what was drawn, what became of it, and firing rates of all drawn latents on
    the training texts.

    Args:
        out: filled; see :func:`mi.autointerp.latent_examples.write_latents`.
        progress: counts latents.
        train: cache on training texts.
        test: cache of the same coder on held-out texts.
        subject: spec that both were harvested from.
        drawn: the registered latents.
        digest: of these, as it was registered.
        n_explain: windows to explain from, a multiple of ``deciles``.
        n_test: windows that activate, a multiple of ``deciles``.
        n_silent: windows that do not, on either side.
        deciles: parts by strongest activation.
        min_examples: windows of training texts in which a latent has to fire.
        seed: of every draw, with the latent's number.
        repeat: another test set for each number, with no window of those before; what is explained from stays.

    Returns:
        ``drawn, scored, dead, lost`` (numbers), what was ``dropped``, and ``length_auc`` (mean over latents; 0.5 where
        length tells nothing).

    Raises:
        Refusal: latents, coder or subject that are not the registered ones, BOS that was not fed or was scored, texts
            that are on both sides, or no latent left.
    """
    if n_explain % deciles or n_test % deciles or min(n_explain, n_test, n_silent, deciles) < 1 or repeat < 0:
        raise Refusal(
            f"n_explain={n_explain}, n_test={n_test}, n_silent={n_silent}, deciles={deciles}, repeat={repeat}",
            "multiples of the deciles, at least one of each",
            "delphi would give fewer and not say so: choose others.",
        )
    ours, theirs = Cached(train), Cached(test)
    _require_registered(drawn, digest, ours, theirs)
    _require_same(ours, theirs, subject)
    vocabulary = _vocabulary(subject)
    for side in (ours, theirs):
        _require_bos(side, vocabulary)
    use = usable(ours, theirs)
    sampler = Sampler(
        ours, theirs, use, TokenStrings(vocabulary.tokenizer), Sizes(n_explain, n_test, n_silent, deciles)
    )
    found, dead, lost = [], [], {}
    with progress("draw examples", len(drawn), "latents") as bar:
        for latent in sorted(drawn):
            reason = sampler.lacks(latent, min_examples, repeat)
            if not ours.counts["tokens"][latent]:
                dead.append(latent)
            elif reason:
                lost[str(latent)] = reason
            else:
                found.append(sampler.draw(latent, seed, repeat))
            bar.update(1)
    if not found:
        raise Refusal(f"{len(dead)} dead and {len(lost)} rare latents", "one to score", "Take more texts.")
    aucs = {str(x.latent): _length_auc(x) for x in found}
    index = {
        "coder": ours.index["coder"],
        "subject": subject,
        "n_latents": ours.n_latents,
        "drawn": sorted(drawn),
        "digest": digest,
        "scored": [x.latent for x in found],
        "dead": dead,
        "lost": lost,
        "rates": {str(i): ours.rate(i) for i in sorted(drawn)},
        "n_tokens": ours.index["n_tokens"],
        "texts": {"train": ours.index["texts"], "test": theirs.index["texts"]},
        "dropped": use.dropped,
        "length_auc": aucs,
        "settings": {
            **{"n_explain": n_explain, "n_test": n_test, "n_silent": n_silent, "deciles": deciles},
            **{"min_examples": min_examples, "seed": seed, "repeat": repeat, "length": ours.index["length"]},
        },
    }
    last_look(index, found, ours, theirs)
    write_latents(out, found, index)
    return {
        **{"drawn": len(drawn), "scored": len(found), "dead": len(dead), "lost": len(lost), "dropped": use.dropped},
        "length_auc": float(np.mean(list(aucs.values()))),
    }


def _vocabulary(subject: dict[str, Any]) -> Vocabulary:
    tokenizer = load_tokenizer(subject)
    return Vocabulary.of(tokenizer, len(tokenizer), None)


def _require_registered(drawn: Sequence[int], digest: str, *sides: Cached) -> None:
    found = registered.digest(drawn)
    if found != digest or len(set(drawn)) != len(drawn) or not drawn:
        raise Refusal(
            f"{len(drawn)} latents with digest {found}",
            f"the registered ones, {digest}",
            "Draw them with mi.autointerp.registered.draw, and score no others.",
        )
    for side in sides:
        missing = sorted(set(drawn) - set(side.index["latents"]))
        if missing:
            raise Refusal(
                f"a cache without {len(missing)} of the registered latents ({missing[:3]})",
                "all of them",
                "Cache the latents that were registered.",
            )


def _require_same(train: Cached, test: Cached, subject: dict[str, Any]) -> None:
    for what in ("coder", "length", "shortest"):
        if train.index[what] != test.index[what]:
            raise Refusal(
                f"{what} {train.index[what]} on training texts and {test.index[what]} on held-out ones",
                "one on both sides",
                "Build both caches from one recipe.",
            )
    for side in (train, test):
        other = [key for key in subject if side.index["subject"].get(key) != subject[key]]
        if other:
            raise Refusal(
                f"latents of another subject (its {', '.join(other)} differ)", "this subject's", "Harvest it."
            )


def _require_bos(side: Cached, vocabulary: Vocabulary) -> None:
    """BOS was fed with every document, and is in no window."""
    index, windows = side.index, side.windows
    led, documents = index["led_documents"], index["documents"]
    if vocabulary.bos is not None and led != documents:
        raise Refusal(
            f"{documents - led} of {documents} documents that began without BOS",
            "BOS fed with each: without it some models break down",
            "Harvest them here; delphi's filter_bos deletes BOS before the model runs.",
        )
    inside = np.arange(windows.length)[None, :] < windows.size[:, None]
    special = int(np.isin(windows.tokens[inside], sorted(vocabulary.specials)).sum())
    if special:
        raise Refusal(f"{special} special tokens in windows", "none scored, none shown", "Harvest with its own mask.")


def _length_auc(latent: LatentExamples) -> float:
    return auc([e.activating for e in latent.test], [float(len(e.tokens)) for e in latent.test])
