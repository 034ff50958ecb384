"""merge: one harvest out of parts that several workers made. Builder."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

from ..progress import Progress
from ..refusal import Refusal
from .index import Shard, file_sha256, finish, plan_of, read_record, shard_file, write_shard_record
from .parts import PART

FIX = "Build all parts from one recipe, with part= 0, 1, ... and parts= how many."


def merge(out: Path, *, progress: Progress, **parts: Path) -> dict[str, Any]:
    """Builder: the harvest that ``part0``, ``part1``, ... make together, as if it had been made in one go.

    Same shards, index and facts. Parts made on one kind of machine give the same bytes: documents are batched within
    a shard, and no shard is in two parts. Activations made on different machines differ as those of one harvest on
    either do, by the order of sums; ids, positions, tokens and documents do not.

    Shards are hard links where the file system has them, so that they take no room twice: each is a file of its own,
    which stays when the part goes. Otherwise they are copies.

    Args:
        out: filled.
        progress: counts shards.
        parts: finished harvests with ``parts`` as many as there are here, by name.

    Returns:
        what :func:`mi.activations.harvest.harvest` does.

    Raises:
        Refusal: no part, one that is missing or comes twice, is of another harvest, or is not what it was.
    """
    abouts = [_about(parts, k) for k in range(len(parts))]
    if not abouts:
        raise Refusal("no part", "part0, part1, ...", FIX)
    settings = abouts[0]["settings"]
    for k, about in enumerate(abouts):
        _require_same(k, about, abouts[0], len(parts))
    shards: list[Shard] = []
    with progress("merge", abouts[0]["shards"], "shards") as bar:
        for k, about in enumerate(abouts):
            for number in range(about["first"], about["stop"]):
                shards.append(_taken(parts[f"part{k}"], out, number, shards, plan_of(settings)))
                bar.update(1)
    if len(shards) != abouts[0]["shards"]:
        raise Refusal(f"{len(shards)} shards", f"{abouts[0]['shards']}, all of the harvest", FIX)
    return finish(out, shards, settings, abouts[0]["tokenizer"], abouts[-1]["barren"])


def _about(parts: dict[str, Path], k: int) -> dict[str, Any]:
    try:
        about: dict[str, Any] = json.loads((parts[f"part{k}"] / PART).read_text("utf-8"))
    except (KeyError, OSError, ValueError) as error:
        raise Refusal(
            f"{', '.join(sorted(parts))}, without a usable part{k} ({type(error).__name__})", f"{len(parts)} parts", FIX
        ) from None
    return about


def _require_same(k: int, about: dict[str, Any], first: dict[str, Any], n: int) -> None:
    other = [name for name in first["settings"] if about["settings"].get(name) != first["settings"][name]]
    other += [name for name in ("tokenizer", "shards") if about[name] != first[name]]
    if other:
        raise Refusal(f"part{k} of another harvest: its {', '.join(other)} differ", "those of part0", FIX)
    if (about["part"], about["parts"]) != (k, n):
        raise Refusal(f"part {about['part']} of {about['parts']} as part{k}", f"part {k} of {n}", FIX)


def _taken(part: Path, out: Path, number: int, before: list[Shard], plan: str) -> Shard:
    source, target = shard_file(part, number), shard_file(out, number)
    shard = read_record(part, number)
    line = before[-1].stop if before else 0
    if shard is None or shard.plan != plan or number != len(before) or shard.start != line:
        what = "no record" if shard is None else f"documents from line {shard.start}, as number {number}"
        raise Refusal(f"a shard with {what}", f"shard {len(before)}, from line {line}", FIX)
    if file_sha256(source) != shard.sha256:
        raise Refusal(f"{source.name} of {part.name} was altered", "the bytes that were harvested", "Build it again.")
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        shutil.copyfile(source, target)
    write_shard_record(out, number, shard)
    return shard
