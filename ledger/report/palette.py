"""The tokens of assets/tokens.css as plain values, for drawings that no style sheet reaches: badges, exports, samples."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Literal

Theme = Literal["light", "dark"]
ASSETS = Path(__file__).resolve().parent / "assets"
_ROOT = re.compile(r":root\s*\{([^}]*)\}")
_TOKEN = re.compile(r"--([\w-]+)\s*:\s*([^;]+);")
_PAIR = re.compile(r"light-dark\(\s*([^,)]+?)\s*,\s*([^,)]+?)\s*\)")


@cache
def tokens(theme: Theme = "light") -> dict[str, str]:
    """``{"bg": "#FFFFFF", "dash-2": "7 3", ...}``: colours and dashes of one theme, without their leading dashes."""
    css = re.sub(r"/\*.*?\*/", "", (ASSETS / "tokens.css").read_text("utf-8"), flags=re.DOTALL)
    (root, *_) = _ROOT.findall(css)
    side = r"\2" if theme == "dark" else r"\1"
    return {name: _PAIR.sub(side, value).strip() for name, value in _TOKEN.findall(root)}


def palette(theme: Theme = "light") -> dict[str, str]:
    """The colours among them."""
    return {name: value for name, value in tokens(theme).items() if value.startswith("#")}
