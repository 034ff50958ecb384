"""The page: one HTML file with its own script, style and data, and a policy that lets it load nothing else."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ..figures.found import Found, figures_of
from ..ruling import rulings
from ..run import Run
from ..text import clean
from .content import content
from .links import claim_link
from .overview import overview
from .private import passable
from .trusted import drawing, island, own_text

HERE = Path(__file__).parent
STYLES = ("tokens.css", "page.css", "latents.css", "claim.css", "playground.css", "compare.css", "figures.css")
SCRIPTS = (
    "dom.js",
    "island.js",
    "text.js",
    "judge.js",
    "forest.js",
    "overview.js",
    "router.js",
    "figures.js",
    "latents.js",
    "claim.js",
    "units.js",
    "history.js",
    "origin.js",
    "new_claim.js",
    "playground.js",
    "compare.js",
    "run.js",
    "about.js",
    "boot.js",
)
NOTHING = Found((), ())


def render(
    run: Run,
    earlier: Sequence[Run] = (),
    compared: Sequence[Run] = (),
    store: Path | None = None,
    left_out: Sequence[str] = (),
) -> bytes:
    """The report of a run: the same ledger makes the same bytes.

    Args:
        earlier: runs for the history of each claim, oldest first, which :func:`.records.check_run` let pass.
        compared: runs that get a page of their differences from this one.
        store: where the artifacts that rows name are kept, for figures and latent cards.
        left_out: what is wrong with each other run that the history should have had.

    Raises:
        LedgerError: a row that cannot be drawn, or a string that looks like an access key; nothing is left out silently.
    """
    run = passable(run)
    found = rulings(run.rows)
    top = overview(found)
    drawn = figures_of(run, store) if store else NOTHING
    data = content(run, found, top.subjects, earlier, compared, store, drawn.figures, left_out)
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
            drawn=drawn,
            left_out=data["left_out"],
            store=store,
            superseded=sum(bool(r.row["superseded_by"]) for r in found),
            others=sorted({other.id for other in (*earlier, *compared)}),
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
    made.filters["clean"] = clean
    made.globals |= {"drawing": drawing, "claim_link": claim_link}
    return made


def _joined(names: Sequence[str]) -> str:
    return "".join((HERE / "assets" / name).read_text("utf-8") for name in names)


@cache
def _script() -> str:
    """All scripts in one function, without indentation and the lines that are comments."""
    lines = (line for line in map(str.strip, _joined(SCRIPTS).splitlines()) if not line.startswith("//"))
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
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _hash(text: str) -> str:
    return b64encode(hashlib.sha256(text.encode()).digest()).decode()
