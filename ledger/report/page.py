"""The page: one HTML file with its own script, style and data, and a policy that lets it load nothing else."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ..ruling import rulings
from ..run import Run
from .content import content
from .overview import overview
from .private import passable
from .trusted import drawing, island, own_text

HERE = Path(__file__).parent
STYLES = ("tokens.css", "page.css")
SCRIPTS = ("dom.js", "island.js", "text.js", "judge.js", "forest.js", "overview.js", "router.js", "boot.js")


def render(run: Run) -> bytes:
    """The report of a run: the same ledger makes the same bytes.

    Raises:
        LedgerError: a row that cannot be drawn, or a string that looks like an access key; nothing is left out silently.
    """
    run = passable(run)
    found = rulings(run.rows)
    top = overview(found)
    data = content(run, found, top.subjects)
    script, style = _script(), _style()
    html = (
        _environment()
        .get_template("page.html.jinja")
        .render(
            policy=_policy(script, style),
            script=own_text(script),
            style=own_text(style),
            data=island(data),
            run=data["run"],
            top=top,
            sha256=hashlib.sha256(run.path.read_bytes()).hexdigest(),
        )
    )
    return html.encode("utf-8", "replace")


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,  # not by file suffix: a template of another name would go out unescaped
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["drawing"] = drawing
    return made


def _joined(names: Sequence[str]) -> str:
    return "".join((HERE / "assets" / name).read_text("utf-8") for name in names)


@cache
def _script() -> str:
    """All scripts in one function, without the lines that are comments."""
    lines = (line for line in _joined(SCRIPTS).splitlines() if not line.lstrip().startswith("//"))
    return "(() => {\n'use strict';\n" + "\n".join(lines) + "\n})();"


@cache
def _style() -> str:
    return _joined(STYLES)


def _policy(script: str, style: str) -> str:
    """Content-Security-Policy: this script, this style, nothing from anywhere."""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'sha256-{_hash(script)}'",
            f"style-src 'sha256-{_hash(style)}'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _hash(text: str) -> str:
    return b64encode(hashlib.sha256(text.encode()).digest()).decode()
