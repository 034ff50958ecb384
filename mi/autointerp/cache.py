"""cache: the latents of one coder on one harvest, window by window, in the files that delphi reads."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.numpy import save_file
from torch import Tensor

from ..activations.index import DOCUMENTS, HASHES, file_sha256, write_json
from ..activations.read import Activations
from ..coders.load import load_coder
from ..device import device
from ..metrics.rows import BYTES_OF_LATENTS, require_sites, whole_documents
from ..progress import Progress
from ..refusal import Refusal
from .cached import COUNTS, FOLDER, INDEX, WINDOWS, Cached
from .spot_check import spot_check
from .windows import LENGTH, SHORTEST, Cut, Ints, cut


def cache(
    out: Path,
    *,
    progress: Progress,
    activations: Path,
    coders: Path,
    coder: str,
    latents: list[int] | None = None,
    length: int = LENGTH,
    shortest: int = SHORTEST,
) -> dict[str, Any]:
    """Builder: encode a harvest with one coder; keep where and how strongly the registered latents fire.

    The harvest fed each document whole, with its BOS; delphi deletes BOS before the model runs. ``latents/<hookpoint>``
    is what delphi's ``LatentDataset`` loads: ``locations`` ``[m, 3]`` (window, place, latent), ``activations`` ``[m]``
    float32 and ``tokens`` ``[n_windows, length]``. Everything that is not 0 is kept as it is; delphi rounds to float16,
    in which more than 65504 is infinite and less than 6e-8 is 0, and leaves out what is below 1e-5. Windows shorter
    than ``length`` are padded with id 0, and ``windows.safetensors`` says where they end. ``counts.safetensors`` has
    firing counts of all latents, kept or not.

    Args:
        out: filled.
        progress: counts tokens.
        activations: harvest with the coder's ``site_in``.
        coders: bundle.
        coder: its name there.
        latents: those to keep; None: all.
        length: tokens of a window.
        shortest: windows of fewer tokens are dropped, and counted.

    Returns:
        ``windows, dropped, dropped_tokens, n_tokens, kept, fired, dead`` (``fired``: places that were written; ``dead``:
        of all latents, those that never fired).

    Raises:
        Refusal: latents that the coder has not, activations that are negative or not finite, or windows in which other
            code finds something else.
    """
    rows = Activations(activations)
    thing = load_coder(coders / coder, device())
    require_sites(rows, [thing.site_in], f"this {thing.kind}")
    kept = _kept(latents, thing.n_latents)
    place = cut(*keys(rows), length, shortest)
    found = Found(place, kept, thing.n_latents)
    size = max(64, min(4096, BYTES_OF_LATENTS // (4 * thing.n_latents)))
    with progress(f"encode {coder}", rows.n_rows, "tokens") as bar, torch.no_grad():
        for batch in whole_documents(rows, [thing.site_in], size):
            found.add(thing.encode(batch.sites[thing.site_in].to(device())))
            bar.update(len(batch.token))
    about = {
        "name": coder,
        "digest": folder_digest(coders / coder),
        "kind": thing.kind,
        "site_in": thing.site_in,
        "site_out": thing.site_out,
    }
    facts = found.write(out, rows, about, shortest)
    spot_check(Cached(out), rows, load_coder(coders / coder, device()))
    return facts


def folder_digest(folder: Path) -> str:
    """SHA-256 over the files of a folder, by name."""
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return sha256("".join(f"{p.relative_to(folder)} {file_sha256(p)}\n" for p in files).encode()).hexdigest()


class Found:
    """Collects where latents fire, batch after batch; the files keep the rows' order."""

    def __init__(self, place: Cut, kept: Ints, n_latents: int) -> None:
        self.place, self.kept, self.n_latents = place, kept, n_latents
        self.wanted = torch.zeros(n_latents, dtype=torch.bool)
        self.wanted[torch.from_numpy(kept)] = True
        self.window, self.offset = torch.from_numpy(place.window), torch.from_numpy(place.offset)
        self.tokens, self.windowed, self.windows = (torch.zeros(n_latents, dtype=torch.int64) for _ in range(3))
        self.at = 0
        self.l0 = 0
        self.locations: list[Tensor] = []
        self.activations: list[Tensor] = []

    def add(self, z: Tensor) -> None:
        """Latents ``[n, n_latents]`` of the next ``n`` rows, which end with a document."""
        self.l0 += int(torch.count_nonzero(z))
        row, latent = z.nonzero().unbind(1)
        values = z[row, latent].float().cpu()
        row, latent = row.cpu(), latent.cpu()
        if len(values) and not (bool(values.isfinite().all()) and float(values.min()) > 0):
            raise Refusal(
                f"activations from {float(values.min()):.3g} to {float(values.max()):.3g}",
                "finite ones, positive where a latent fires",
                "Strength is read off an activation: look for a coder of another kind.",
            )
        window, offset = self.window[self.at + row], self.offset[self.at + row]
        self.at += len(z)
        self.tokens += latent.bincount(minlength=self.n_latents)
        inside = window >= 0
        self.windowed += latent[inside].bincount(minlength=self.n_latents)
        once = torch.unique(window[inside] * self.n_latents + latent[inside])  # whole documents: no window twice
        self.windows += (once % self.n_latents).bincount(minlength=self.n_latents)
        inside &= self.wanted[latent]
        self.locations.append(torch.stack([window, offset, latent], 1)[inside])
        self.activations.append(values[inside])

    def write(self, out: Path, rows: Activations, coder: dict[str, Any], shortest: int) -> dict[str, Any]:
        """Write windows, counts, delphi's folder and the index; returns the builder's facts.

        Args:
            out: filled.
            rows: what was cut.
            coder: ``name, digest, kind, site_in, site_out``.
            shortest: as the rows were cut.
        """
        if self.at != len(self.window) or self.l0 != int(self.tokens.sum()):
            raise Refusal(
                f"{self.at} rows with {int(self.tokens.sum())} firings counted",
                f"{len(self.window)} rows with {self.l0}, counted another way",
                "Look for rows that were skipped or read twice.",
            )
        windows = self.place.windows
        wide = max(len(windows), self.n_latents) > 1 << 16
        locations = torch.cat(self.locations).numpy().astype(np.uint32 if wide else np.uint16)
        folder = out / FOLDER / coder["site_out"]
        folder.mkdir(parents=True)
        tensors = {
            "locations": locations,
            "activations": torch.cat(self.activations).numpy(),
            "tokens": windows.tokens.astype(np.int32),
        }
        save_file(tensors, folder / f"0_{self.n_latents - 1}.safetensors")
        (folder / "config.json").write_text(json.dumps(self._config(), indent=1), "utf-8")
        edges = {name: getattr(windows, name).astype(np.int32) for name in ("document", "start", "size")}
        save_file(edges, out / WINDOWS)
        counts = {name: getattr(self, name).numpy() for name in ("tokens", "windowed", "windows")}
        save_file(counts, out / COUNTS)
        facts = {
            "windows": len(windows),
            "dropped": self.place.dropped,
            "dropped_tokens": self.place.dropped_tokens,
            "n_tokens": self.at,
            "kept": len(self.kept),
            "fired": len(locations),
            "dead": int((self.tokens == 0).sum()),
        }
        about = {
            "coder": {**coder, "n_latents": self.n_latents},
            "subject": rows.index["subject"],
            "texts": rows.index.get("texts"),
            "latents": self.kept.tolist(),
            "length": windows.length,
            "shortest": shortest,
            "documents": self.place.documents,
            "led_documents": self.place.led,
        }
        write_json(out / DOCUMENTS, rows.documents)
        write_json(out / HASHES, rows.text_hashes)
        write_json(out / INDEX, {**about, **facts})
        return facts

    def _config(self) -> dict[str, Any]:
        """The fields of delphi's CacheConfig; there is no data set to name, and the tokens lie beside it."""
        length = self.place.windows.length
        names = {"dataset_repo": "", "dataset_split": "", "dataset_name": "", "dataset_column": ""}
        sizes = {"batch_size": 1, "cache_ctx_len": length, "n_tokens": len(self.place.windows) * length, "n_splits": 1}
        return {**names, **sizes, "model_name": ""}


def _kept(latents: list[int] | None, n_latents: int) -> Ints:
    kept = np.arange(n_latents) if latents is None else np.unique(np.asarray(latents, dtype=np.int64))
    if latents is not None and (len(kept) != len(latents) or not len(kept) or kept[0] < 0 or kept[-1] >= n_latents):
        raise Refusal(
            f"{len(latents)} latents, {len(kept)} of them different, of a coder with {n_latents}",
            "different ones that it has",
            "Draw them with mi.autointerp.registered.draw.",
        )
    return kept


def keys(rows: Activations) -> tuple[Ints, Ints, Ints]:
    """Document, position and token of every row, ``[n_rows]`` each."""
    parts = list(rows.ordered(["token"], 1 << 16))
    document, position, token = (
        torch.cat([part[name] for part in parts]).numpy().astype(np.int64) for name in ("document", "position", "token")
    )
    return document, position, token
