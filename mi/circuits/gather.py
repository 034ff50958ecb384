"""gather: coders of several bundles in one, so that a circuit may reach across layers. Builder."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..coders.coder import CoderFacts
from ..coders.names import checked_names
from ..progress import Progress
from ..refusal import Refusal


def gather(out: Path, *, progress: Progress, coders: Mapping[str, str], **bundles: Path) -> dict[str, Any]:
    """Builder: a bundle of coders that were trained or fetched apart.

    Args:
        coders: new name to ``"<input>/<coder in it>"``.
        bundles: the inputs.

    Returns:
        ``sites`` by new name.

    Raises:
        Refusal: no such coder.
    """
    sites: dict[str, str] = {}
    with progress("gather coders", len(coders), "coders") as bar:
        for name in checked_names(coders):
            bundle, _, inside = coders[name].partition("/")
            if bundle not in bundles or not (bundles[bundle] / inside).is_dir():
                raise Refusal(f"coder {coders[name]!r}", f"one of {', '.join(bundles)}/<name>", "Correct the recipe.")
            shutil.copytree(bundles[bundle] / inside, out / name)
            sites[name] = CoderFacts.read(out / name).site_in
            bar.update(1)
    return {"sites": sites}
