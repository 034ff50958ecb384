"""The colours of assets/tokens.css as plain values, for drawings that no style sheet reaches: badges, exports, samples."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import Literal

Theme = Literal["light", "dark"]
_PAIR = re.compile(r"--([\w-]+): light-dark\((#[0-9A-F]{6}), (#[0-9A-F]{6})\);")


def palette(theme: Theme = "light") -> dict[str, str]:
    """``{"pass": "#0B62A8", ...}``: every colour token of one theme, without its leading dashes."""
    css = files(__package__).joinpath("assets", "tokens.css").read_text(encoding="utf-8")
    return {name: dark if theme == "dark" else light for name, light, dark in _PAIR.findall(css)}
