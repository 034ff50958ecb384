"""Pool: what a model and its coders hold of each labelled text, one row per text. Builder and reader."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..progress import Progress
from ..refusal import Refusal
from .labelled import Labelled

if TYPE_CHECKING:
    from torch import Tensor

FILE = "pooled.safetensors"
POOLS = ("last", "mean")
TOKENS = "tokens"
EMBEDDING_SITE = "blocks.0.hook_resid_pre"


def pool(
    out: Path,
    *,
    progress: Progress,
    examples: Path,
    gates: Path,
    subject: dict[str, Any],
    coders: Path | None = None,
    names: list[str] | None = None,
    sites: list[str] | None = None,
    pooling: str = "last",
    max_length: int = 128,
    batch_size: int = 64,
) -> dict[str, Any]:
    """Builder: one row per labelled text, of every site and coder.

    Writes ``pooled.safetensors`` with ``[n, d]`` float32 under each site's name, ``[n, n_latents]`` under each
    coder's name, and ``[n, d]`` under ``tokens``: the mean over scored tokens of what enters the first block, which
    knows the text's tokens and nothing that the model made of them. Copies the examples' file, so that a reader
    knows what the rows are.

    Args:
        examples: a :class:`.labelled.Labelled`.
        gates: of this subject; they must have passed, at ``blocks.0.hook_resid_pre`` and the sites that are read.
        coders, names: a bundle and which of its coders; their input sites are pooled too.
        sites: further sites.
        pooling: ``"last"``: the last scored token. ``"mean"``: the mean over scored tokens; latents are averaged
            after encoding.
        max_length: tokens per text, BOS included; a longer text is cut, and with ``"last"`` refused, since its last
            token would be another one.

    Raises:
        Refusal: an unknown pooling, texts that are cut or empty, a coder that does not fit; rows that differ when some
            of the texts are run again, alone.
    """
    import torch
    from safetensors.torch import save_file

    from ..activations.harvest import require_gates
    from ..coders.load import load_coder
    from ..subjects.load import load_subject

    if pooling not in POOLS:
        raise Refusal(f"pooling={pooling!r}", f"one of {', '.join(POOLS)}", "Correct the recipe.")
    labelled = Labelled(examples)
    model = load_subject(subject)
    read = {name: load_coder(coders / name, device=str(model.device)) for name in names or () if coders}
    wanted = list(dict.fromkeys([*(sites or ()), *(coder.site_in for coder in read.values())]))
    require_gates(gates, subject, [EMBEDDING_SITE, *wanted])
    batch_all = model.tokens(labelled.texts, min(max_length, model.context))
    cut = sum(row.truncated for row in batch_all.rows)
    if batch_all.excluded or (cut and pooling == "last"):
        raise Refusal(
            f"{len(batch_all.excluded)} empty texts and {cut} longer than {max_length} tokens",
            "texts whose last token is read",
            "Raise max_length, or pool the mean.",
        )
    rows: dict[str, list[Tensor]] = {name: [] for name in (TOKENS, *wanted, *read)}
    # Texts of like length together; the rows go back to their places below.
    order = sorted(range(len(labelled)), key=lambda i: len(batch_all.rows[i].ids))
    with progress(f"pool {labelled.path.name[:12]}", len(order), "texts") as bar, torch.no_grad():
        for start in range(0, len(order), batch_size):
            batch = batch_all.select(order[start : start + batch_size])
            found = model.activations(batch, [EMBEDDING_SITE, *wanted])
            rows[TOKENS].append(_mean(found[EMBEDDING_SITE], batch.scored))
            for site in wanted:
                rows[site].append(_pooled(found[site], batch, pooling))
            for name, coder in read.items():
                x = found[coder.site_in]
                if pooling == "last":
                    rows[name].append(coder.encode(_pooled(x, batch, pooling)))
                else:
                    z = torch.zeros(*x.shape[:2], coder.n_latents, device=x.device)
                    z[batch.scored.to(x.device)] = coder.encode(x[batch.scored.to(x.device)]).float()
                    rows[name].append(_mean(z, batch.scored))
            bar.update(len(batch))
    back = torch.tensor(np.argsort(order))
    save_file({k: torch.cat(v).float().cpu()[back].contiguous() for k, v in rows.items()}, out / FILE)
    (out / "documents.jsonl").write_bytes((labelled.path / "documents.jsonl").read_bytes())
    from .spot_check import spot_check  # it reads what was written here

    spot_check(out, labelled, model, read, wanted, pooling, min(max_length, model.context))
    return {"texts": len(labelled), "split": labelled.split, "truncated": cut, "pooling": pooling, "sites": wanted}


class Pooled:
    """What :func:`pool` left: labelled texts with their rows."""

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self.examples = Labelled(self.path)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Everything that was pooled: ``tokens``, sites, coders."""
        from safetensors import safe_open

        with safe_open(self.path / FILE, framework="np") as file:
            return tuple(file.keys())

    def rows(self, names: str | Sequence[str]) -> NDArray[np.float32]:
        """``[n, d]`` of one name, or of several side by side.

        Raises:
            Refusal: a name that was not pooled.
        """
        from safetensors import safe_open

        wanted = [names] if isinstance(names, str) else list(names)
        missing = [name for name in wanted if name not in self.names]
        if missing or not wanted:
            raise Refusal(f"rows of {missing or 'nothing'}", f"of {', '.join(self.names)}", "Pool it in the same pass.")
        with safe_open(self.path / FILE, framework="np") as file:
            return np.concatenate([file.get_tensor(name) for name in wanted], axis=1)


def _pooled(x: Tensor, batch: Any, pooling: str) -> Tensor:
    import torch

    if pooling == "mean":
        return _mean(x, batch.scored)
    return x[torch.arange(len(batch), device=x.device), batch.last().to(x.device)]


def _mean(x: Tensor, scored: Tensor) -> Tensor:
    weight = scored.to(x.device, x.dtype)[..., None]
    return (x * weight).sum(1) / weight.sum(1)
