"""planted: latents that nobody trained and whose meaning is known, in the files that a cache has. Builder."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..activations.read import Activations
from ..progress import Progress
from ..refusal import Refusal
from ..texts import Texts
from .cache import Found, keys
from .windows import LENGTH, SHORTEST, Cut, Ints, cut

RULES = ("tokens", "labels")
RARE, COMMON = 0.02, 0.3  # share of windows with a token, between which it may be planted


def planted(
    out: Path,
    *,
    progress: Progress,
    activations: Path,
    train: Path,
    rule: str,
    n: int = 1,
    texts: Path | None = None,
    length: int = LENGTH,
    shortest: int = SHORTEST,
) -> dict[str, Any]:
    """Builder: as :func:`.cache.cache`, with latents that fire by a rule instead of a coder's.

    Args:
        out: filled.
        progress: counts tokens.
        activations: harvest whose tokens are used; its activations are not.
        train: harvest of the training texts, from which tokens are chosen.
        rule: ``"tokens"``: each latent fires, with 1, wherever its token stands; the tokens are the ``n`` most
            frequent ones that occur in 2 to 30 % of the training windows. ``"labels"``: one latent fires on all
            tokens of texts of class 1.
        n: latents.
        texts: labelled texts of the harvest, for ``"labels"``.
        length, shortest: of windows.

    Returns:
        what the cache builder does.

    Raises:
        Refusal: another rule, labels that are missing, or too few tokens.
    """
    if rule not in RULES or (rule == "labels") != (texts is not None) or n < 1 or (rule == "labels" and n > 1):
        raise Refusal(
            f"rule={rule!r}, n={n}, texts={texts}", "tokens, or labels with texts and one latent", "Correct the recipe."
        )
    rows = Activations(activations)
    document, position, token = keys(rows)
    place = cut(document, position, token, length, shortest)
    if rule == "tokens":
        chosen = _tokens(cut(*keys(Activations(train)), length, shortest), n)
        fires = (token[:, None] == chosen[None, :]).astype(np.float32)
        name = f"tokens {chosen.tolist()}"
    else:
        assert texts is not None
        labels = {line["id"]: int(line["label"]) for line in Texts(texts)}
        known = np.array([labels[name] for name in rows.documents], dtype=np.float32)
        fires = known[document][:, None]
        name = "labels"
    found = Found(place, np.arange(n), n)
    with progress(f"plant {rule}", len(token), "tokens") as bar:
        for part in _whole_documents(document):
            found.add(torch.from_numpy(fires[part]))
            bar.update(part.stop - part.start)
    site = next(iter(rows.sites))
    about = {"name": "planted", "digest": sha256(name.encode()).hexdigest(), "kind": rule}
    return found.write(out, rows, {**about, "site_in": site, "site_out": site}, shortest)


def _tokens(place: Cut, n: int) -> Ints:
    windows = place.windows
    window, offset = np.nonzero(np.arange(windows.length)[None, :] < windows.size[:, None])
    once = np.unique(np.stack([window, windows.tokens[window, offset]]), axis=1)
    share = np.bincount(once[1]) / len(windows)
    fitting = np.flatnonzero((share >= RARE) & (share <= COMMON))
    if len(fitting) < n:
        raise Refusal(f"{len(fitting)} tokens in 2 to 30 % of the windows", f"{n}", "Plant fewer.")
    return np.sort(fitting[np.argsort(-share[fitting], kind="stable")][:n])


def _whole_documents(document: Ints, at_once: int = 1 << 16) -> Iterator[slice]:
    ends = np.append(np.flatnonzero(np.diff(document)) + 1, len(document))
    start = 0
    while start < len(document):
        stop = int(ends[np.searchsorted(ends, min(start + at_once, len(document)))])
        yield slice(start, stop)
        start = stop
