"""Directions: what to steer along, each from training examples of a concept or from chance, all of one norm. Builder."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..coders.coder import Coder
from ..coders.load import load_coder
from ..probing.labelled import Labelled
from ..progress import Progress
from ..refusal import Refusal
from ..subjects.load import load_subject
from ..subjects.subject import Subject
from .pooling import POOLS, RowPerText, scored_tokens

TENSORS, FACTS = "directions.safetensors", "directions.json"
FITTED = slice(0, None, 2)  # every second training example; the others are for the judge, which must not share a text
MIN_EXAMPLES = 10  # of each class
CLEARLY = 3.0  # standard errors between the classes along a direction that was fitted to tell them apart


@dataclass(frozen=True)
class Directions:
    """What a sweep steers along.

    Attributes:
        site: where.
        norm: the unit of coefficients: mean L2 norm of the scored tokens there.
        arms: unit vectors ``[m, d]`` by arm: m = 1, or one row per prompt for arms that are drawn.
        facts: how each came to be.
    """

    site: str
    norm: float
    arms: Mapping[str, Tensor]
    facts: Mapping[str, Any]

    @classmethod
    def read(cls, folder: Path) -> Directions:
        """What :func:`directions` left in ``folder``.

        Raises:
            Refusal: a row that is no unit vector.
        """
        from safetensors.torch import load_file

        facts = json.loads((folder / FACTS).read_text("utf-8"))
        arms = load_file(folder / TENSORS)
        for name, rows in arms.items():
            if not bool(((rows.norm(dim=-1) - 1).abs() < 1e-4).all()):
                raise Refusal(f"direction {name} with norm {float(rows.norm(dim=-1)[0]):.3g}", "1", "Build it again.")
        return cls(facts["site"], facts["norm"], arms, facts)

    def rows(self, arm: str, start: int, n: int) -> Tensor:
        """``[n, d]`` one unit vector per prompt, from row ``start`` on where the arm is drawn.

        Raises:
            Refusal: no such arm, or fewer rows than prompts.
        """
        if arm not in self.arms:
            raise Refusal(f"arm {arm!r}", f"one of {', '.join(self.arms)}", self.facts["absent"].get(arm, "Name one."))
        kept = self.arms[arm]
        if len(kept) == 1:
            return kept.expand(n, -1)
        if start + n > len(kept):
            raise Refusal(f"{len(kept)} draws of {arm}", f"{start + n}, one per prompt", "Raise draws=.")
        return kept[start : start + n]


def directions(
    out: Path,
    *,
    progress: Progress,
    examples: Path,
    coders: Path,
    coder: str,
    subject: dict[str, Any],
    pool: str = "last",
    draws: int = 1_024,
    top: int = 16,
    seed: int = 0,
    max_length: int = 128,
    batch_size: int = 64,
) -> dict[str, Any]:
    """Fit every arm on every second training example, at the site of an SAE.

    ``dom``: difference of the class means. ``caa``: mean over texts of ``positive - counterpart`` (contrastive
    activation addition, Rimsky et al. 2312.06681); absent where no text has a counterpart. ``latent``: the SAE's decoder
    row of the latent whose class means differ most, with the sign of that difference. ``random``: another isotropic
    direction for each prompt. ``random-latent``: for each prompt the decoder row of a latent drawn, with replacement,
    from those that fire on the examples and are not among the ``top`` most different. A draw per prompt makes
    prompts independent units of a claim about random directions, not about one of them.

    Args:
        examples: of the split ``train``.
        coder: an SAE of the bundle ``coders``.
        pool: ``"last"``: the last scored token; ``"mean"``: the mean over a text's scored tokens.
        draws: rows of the drawn arms; a sweep takes one per prompt.
        seed: of the draws.

    Returns:
        ``site, norm, pool, raw_norms`` (before scaling), ``cosines`` between the fitted arms, ``latent`` (``index, sign,
        mean_positive, mean_negative``), ``alive``, ``examples``, ``absent``.

    Raises:
        Refusal: examples of another split, fewer than 10 of a class, a transcoder, or a direction of norm 0.
    """
    labelled = Labelled(examples)
    if labelled.split != "train" or pool not in POOLS:
        raise Refusal(f"examples of {labelled.split}, pool={pool!r}", f"train, {' or '.join(POOLS)}", "Correct it.")
    model = load_subject(subject)
    thing = load_coder(coders / coder, device=str(model.device))
    if thing.kind != "sae":
        raise Refusal(f"a {thing.kind}", "an SAE: its decoder writes where it reads", "Choose one.")
    labels, others = labelled.labels[FITTED] == 1, labelled.counterparts[FITTED]
    known = np.array([other is not None for other in others])
    paired = [other for other in others if other is not None]
    seen = _read(model, thing, labelled.texts[FITTED], paired, progress, pool, max_length, batch_size)
    raw = {"dom": difference_of_means(seen.rows, labels)}
    absent = {} if paired else {"caa": "No text has a counterpart: use concepts whose examples come in pairs."}
    if paired:
        pairs = seen.rows[torch.from_numpy(known)], seen.counterparts, labels[known]
        raw["caa"] = contrastive(*pairs)
        require_sides(raw["caa"], *pairs)
    require_towards(raw, seen.rows, labels)
    gaps = difference_of_means(seen.latents, labels)
    strongest = gaps.abs().topk(min(top, len(gaps))).indices
    index = int(gaps.abs().argmax())
    sign = 1.0 if gaps[index] > 0 else -1.0
    raw["latent"] = sign * thing.W_dec[index].double().cpu()
    alive = seen.fired.nonzero()[:, 0]
    alive = alive[~torch.isin(alive, strongest)]
    if not len(alive):
        raise Refusal("no latent to draw from", f"some that fire and are not among the top {top}", "Lower top=.")
    rng = np.random.default_rng([seed, 1])
    drawn = alive[torch.from_numpy(rng.integers(0, len(alive), draws))]
    arms = {name: vector[None] for name, vector in raw.items()}
    arms["random"] = torch.from_numpy(rng.standard_normal((draws, thing.d_out)))
    arms["random-latent"] = thing.W_dec.double().cpu()[drawn]
    units = {name: unit(rows, name) for name, rows in arms.items()}
    facts = {
        "coder": coder,
        "site": thing.site_out,
        "norm": seen.norm,
        "pool": pool,
        "raw_norms": {name: float(vector.norm()) for name, vector in raw.items()},
        "cosines": {f"{a}, {b}": float(units[a][0] @ units[b][0]) for a in raw for b in raw if a < b},
        "latent": {
            **{"index": index, "sign": int(sign), "top": strongest.tolist()},
            "mean_positive": float(seen.latents[torch.from_numpy(labels), index].mean()),
            "mean_negative": float(seen.latents[torch.from_numpy(~labels), index].mean()),
        },
        "alive": len(alive),
        "draws": draws,
        "examples": {"positive": int(labels.sum()), "negative": int((~labels).sum()), "pairs": int(known.sum())},
        "absent": absent,
    }
    from safetensors.torch import save_file

    save_file({name: rows.float().contiguous() for name, rows in units.items()}, out / TENSORS)
    (out / FACTS).write_text(json.dumps(facts, indent=1), "utf-8")
    return facts


class _Seen(NamedTuple):
    """Pooled ``rows`` ``[n, d]`` and ``latents`` ``[n, n_latents]`` of texts, ``counterparts`` ``[pairs, d]``."""

    rows: Tensor
    latents: Tensor
    counterparts: Tensor
    fired: Tensor
    """``[n_latents]`` on any scored token."""
    norm: float
    """Mean L2 norm of a scored token."""


def _read(
    model: Subject,
    coder: Coder,
    texts: Sequence[str],
    paired: Sequence[str],
    progress: Progress,
    pool: str,
    max_length: int,
    size: int,
) -> _Seen:
    rows, latents, others = RowPerText(pool), RowPerText(pool), RowPerText(pool)
    fired = torch.zeros(coder.n_latents, dtype=torch.bool)
    norms: list[Tensor] = []
    with progress("training examples", len(texts) + len(paired), "texts") as bar, torch.no_grad():
        for x, text, last in scored_tokens(model, coder.site_out, texts, max_length, size):
            z = coder.encode(x)
            fired |= (z > 0).any(0).cpu()
            norms.append(x.norm(dim=-1).cpu())
            rows.add(x, text, last)
            latents.add(z, text, last)
            bar.update(int(last.sum()))
        for x, text, last in scored_tokens(model, coder.site_out, paired, max_length, size):
            others.add(x, text, last)
            bar.update(int(last.sum()))
    counterparts = others.all() if paired else rows.all()[:0]
    return _Seen(rows.all(), latents.all(), counterparts, fired, float(torch.cat(norms).double().mean()))


def difference_of_means(rows: Tensor, positive: np.ndarray[Any, np.dtype[np.bool_]]) -> Tensor:
    """``[d]`` mean of the positive rows of ``[n, d]`` less the mean of the others.

    Raises:
        Refusal: fewer than 10 rows of a class.
    """
    where = torch.from_numpy(positive)
    few = min(int(where.sum()), int((~where).sum()))
    if few < MIN_EXAMPLES:
        raise Refusal(f"{few} examples of one class", f"at least {MIN_EXAMPLES}", "Take more training examples.")
    gap: Tensor = rows[where].mean(0) - rows[~where].mean(0)
    return gap


def require_towards(fitted: Mapping[str, Tensor], rows: Tensor, positive: np.ndarray[Any, np.dtype[np.bool_]]) -> None:
    """Refuse a direction along which the positive examples it was fitted on do not clearly lie further.

    A check of signs: along a difference of means its own examples always lie apart, whether there is a concept or not.

    Raises:
        Refusal: the class means lie less than 3 standard errors apart, or the wrong way round.
    """
    x = rows.double().numpy()
    for name, vector in fitted.items():
        along = x @ vector.double().numpy()
        a, b = along[positive], along[~positive]
        apart = (a.mean() - b.mean()) / max((a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b)) ** 0.5, 1e-30)
        if not apart >= CLEARLY:
            raise Refusal(
                f"direction {name}, along which the classes lie {apart:.2g} standard errors apart",
                f"at least {CLEARLY:g}, the positive ones further",
                "Look for a sign, or for pairs the wrong way round or centred apart.",
            )


def require_sides(
    direction: Tensor, rows: Tensor, counterparts: Tensor, positive: np.ndarray[Any, np.dtype[np.bool_]]
) -> None:
    """Refuse a contrastive direction that is not the mean of the positive sides less that of the negative ones.

    Raises:
        Refusal: the cosine of the two is below .999.
    """
    both = np.stack([rows.double().numpy(), counterparts.double().numpy()])
    at = np.arange(len(positive))
    wanted = both[np.where(positive, 0, 1), at].mean(0) - both[np.where(positive, 1, 0), at].mean(0)
    found = direction.double().numpy()
    cosine = float(wanted @ found / max(np.linalg.norm(wanted) * np.linalg.norm(found), 1e-30))
    if not cosine >= 0.999:
        raise Refusal(
            f"a contrastive direction at a cosine of {cosine:.3f} to its pairs' positive less negative sides",
            "that difference",
            "Look for pairs whose sides were lost.",
        )


def contrastive(rows: Tensor, counterparts: Tensor, positive: np.ndarray[Any, np.dtype[np.bool_]]) -> Tensor:
    """``[d]`` mean over texts of the positive one less the negative one of each pair, ``[n, d]`` both."""
    sign = torch.from_numpy(np.where(positive, 1.0, -1.0))[:, None]
    mean: Tensor = (sign * (rows - counterparts)).mean(0)
    return mean


def unit(rows: Tensor, name: str) -> Tensor:
    """``[m, d]`` each row divided by its norm.

    Raises:
        Refusal: a row without a direction.
    """
    norms = rows.norm(dim=-1, keepdim=True)
    if not bool((norms > 1e-12).all()):
        raise Refusal(f"direction {name} of norm 0", "a direction", "The classes do not differ at this site.")
    scaled: Tensor = rows / norms
    return scaled
