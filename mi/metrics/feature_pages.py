"""Feature pages: latents with their numbers, contexts and labels, as JSON, Markdown and CSV."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .contexts import Context, label

TABLE = (
    "latent",
    "class",
    "label",
    "index",
    "mean_a",
    "mean_b",
    "rate_a",
    "rate_b",
    "t",
    "p",
    "p_adjusted",
    "t_held_out",
)


def write_pages(
    folder: Path, group: str, title: str, latents: Sequence[Mapping[str, Any]], contexts: Mapping[int, list[Context]]
) -> None:
    """``<group>.json`` and ``<group>.md`` in ``folder``: one section per latent, in the order given."""
    folder.mkdir(parents=True, exist_ok=True)
    found = [
        {
            **latent,
            "label": label(contexts[latent["latent"]]),
            "contexts": [c.to_json() for c in contexts[latent["latent"]]],
        }
        for latent in latents
    ]
    (folder / f"{group}.json").write_text(json.dumps(found, indent=1, ensure_ascii=False), "utf-8")
    lines = [f"# {title}", "", f"{len(found)} latents, most selective first. Labels are read off the peak tokens.", ""]
    for latent in found:
        lines += [f"## Latent {latent['latent']}: {latent['label']}", ""]
        lines += [
            f"Selectivity {latent['index']:+.2f}, adjusted p {latent['p_adjusted']:.3f}; fires on "
            f"{latent['rate_a']:.2%} of tokens in A and {latent['rate_b']:.2%} in B.",
            "",
            "| activation | domain | context |",
            "|---|---|---|",
        ]
        lines += [f"| {c.activation:.2f} | {c.domain} | `{c.line()}` |" for c in contexts[latent["latent"]]]
        lines.append("")
    (folder / f"{group}.md").write_text("\n".join(lines), "utf-8")


def write_table(path: Path, latents: Sequence[Mapping[str, Any]], contexts: Mapping[int, list[Context]]) -> None:
    """One line per latent; a label only where contexts were collected."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, TABLE, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        for latent in latents:
            known = contexts.get(latent["latent"])
            writer.writerow({**latent, "label": label(known) if known else ""})
