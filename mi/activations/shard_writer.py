"""ShardWriter: runs a model over some documents and writes what it has at some sites as one shard."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from ..progress import Bar
from ..refusal import Refusal
from ..subjects.subject import Subject
from ..subjects.tokens import Row, TokenBatch
from .index import Shard, file_sha256, shard_file, write_shard_record

Planned = tuple[int, dict[str, Any], Row | None]
"""A line of the texts, what is kept of its document, and its tokens; None if nothing is scored."""


class ShardWriter:
    """Runs the model over the documents of one shard and writes it."""

    def __init__(self, out: Path, subject: Subject, sites: Sequence[str], dtype: str, batch_tokens: int) -> None:
        self.out, self.subject, self.sites, self.batch_tokens = out, subject, sites, batch_tokens
        self.dtype: torch.dtype = getattr(torch, dtype)
        self.tensors: dict[str, Tensor] = {}

    def write(self, number: int, first: int, part: list[Planned], plan: str, bar: Bar, count_rows: bool) -> Shard:
        """Fill shard ``number``, write it whole, and return what is to be known of it.

        Args:
            number: of the shard.
            first: index of its first document in the artifact.
            part: lines, documents and tokens; at least one of them has rows.
            plan: digest of everything that decides what is written.
            bar: counts rows, or lines.
            count_rows: which of the two.
        """
        rows = [row for _, _, row in part if row is not None]
        documents = [document for _, document, row in part if row is not None]
        counts = torch.tensor([sum(row.scored) for row in rows])
        offsets = torch.cat([torch.zeros(1, dtype=torch.int64), counts.cumsum(0)]).tolist()
        scored = [[i for i, s in enumerate(row.scored) if s] for row in rows]
        self.tensors = {
            "document": torch.arange(first, first + len(rows), dtype=torch.int32).repeat_interleave(counts),
            "position": torch.tensor([i for at in scored for i in at], dtype=torch.int32),
            "token": torch.tensor(
                [r.ids[i] for r, at in zip(rows, scored, strict=True) for i in at], dtype=torch.int32
            ),
        }
        for batch in self._batches(rows):
            self._run([rows[i] for i in batch], [offsets[i] for i in batch], [documents[i]["id"] for i in batch])
            bar.update(sum(len(scored[i]) for i in batch) if count_rows else len(batch))
        if not count_rows:
            bar.update(len(part) - len(rows))
        path = shard_file(self.out, number)
        self._save(path)
        shard = Shard(
            plan=plan,
            start=part[0][0],
            stop=part[-1][0] + 1,
            rows=len(self.tensors["token"]),
            sha256=file_sha256(path),
            documents=[d["id"] for d in documents],
            domains=[d["domain"] for d in documents],
            hashes=[d["hash"] for d in documents],
            excluded=len(part) - len(rows),
            truncated=sum(row.truncated for row in rows),
            tokens=sum(len(row.ids) for row in rows),
        )
        write_shard_record(self.out, number, shard)
        return shard

    def _batches(self, rows: Sequence[Row]) -> Iterator[list[int]]:
        # Rows of about the same length together: little padding. Where each goes in the shard is known before.
        order = sorted(range(len(rows)), key=lambda i: len(rows[i].ids))
        batch: list[int] = []
        for i in order:
            if batch and (len(batch) + 1) * len(rows[i].ids) > self.batch_tokens:
                yield batch
                batch = []
            batch.append(i)
        if batch:
            yield batch

    def _run(self, rows: list[Row], offsets: list[int], names: list[str]) -> None:
        batch = TokenBatch.of(rows, self.subject.vocabulary.pad)
        owner = batch.scored.nonzero()[:, 0]
        within = batch.scored.long().cumsum(-1)[batch.scored] - 1
        target = torch.tensor(offsets)[owner] + within
        source = batch.scored.flatten().nonzero()[:, 0].to(self.subject.device)

        def reader(site: str) -> Callable[[Tensor], None]:
            def read(value: Tensor) -> None:
                kept = value.reshape(-1, value.shape[-1]).index_select(0, source).to("cpu", self.dtype)
                # One pass instead of two; a sum of finite numbers may overflow, so it is only a reason to look.
                if not bool(kept.sum(dtype=torch.float32).isfinite()):
                    self._require_finite(kept, site, [names[i] for i in owner.tolist()])
                if site not in self.tensors:
                    self.tensors[site] = torch.empty(len(self.tensors["token"]), kept.shape[-1], dtype=self.dtype)
                self.tensors[site].index_copy_(0, target, kept)

            return read

        self.subject.stream(batch, {site: reader(site) for site in self.sites})

    def _require_finite(self, kept: Tensor, site: str, names: Sequence[str]) -> None:
        bad = (~torch.isfinite(kept)).any(-1).nonzero()[:, 0].tolist()
        if bad:
            raise Refusal(
                f"{site} of document {names[bad[0]]!r} is not finite in {self.dtype}",
                "finite activations",
                "Use a wider dtype, for the model or for what is stored.",
            )

    def _save(self, path: Path) -> None:
        part = path.with_name(path.name + ".part")
        save_file(self.tensors, part)
        os.replace(part, path)
