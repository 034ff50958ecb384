"""The index of claims: what is registered, by report and section, in Markdown."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from .errors import LedgerError
from .home import command
from .markdown import code, escape
from .registry import Report, load_report
from .text import clean


def load_reports(folder: Path) -> list[Report]:
    """Every report in a folder.

    Raises:
        LedgerError: no claim files there, or one that breaks its schema.
    """
    files = sorted(folder.glob("*.yaml"))
    if not files:
        raise LedgerError(f"{folder}: no <report>.yaml files; name the folder of your claims with --claims DIR")
    return [load_report(path) for path in files]


def index_json(reports: list[Report]) -> list[dict[str, Any]]:
    """One object per claim: its id, promise and cells."""
    return [
        {"claim": claim, "where": cells[0].where, "cells": [c.promise for c in cells]}
        for report in reports
        for claim, cells in report.claims.items()
    ]


def index_text(reports: list[Report]) -> str:
    """Two lines per claim, for a terminal."""
    lines = []
    for report in reports:
        lines.append(clean(report.title))
        for claim, cells in report.claims.items():
            first = cells[0]
            lines.append(
                f"  {claim}  {clean(first.quantity)} {first.bound} per {clean(first.unit)}, {len(cells)} cell{'s' * (len(cells) != 1)}"
            )
            lines.append(f"    {clean(first.statement)}")
    return "\n".join(lines) + "\n"


def _linked(text: str) -> str:
    """An address stays an address; anything else is made harmless."""
    return f"<{text}>" if re.fullmatch(r"https?://[\w./%-]+", text) else escape(text)


def index_markdown(reports: list[Report]) -> str:
    """One table per report; one line per claim."""
    lines = ["# Registered claims", "", f"Written by `{command()} index`; the YAML files are the source.", ""]
    for report in reports:
        lines += [f"## {escape(report.title)}", ""]
        source = next(iter(report.claims.values()))[0].source or {}
        if source:
            lines += ["Source: " + ", ".join(_linked(v) for v in source.values()) + ".", ""]
        lines += ["| claim | section | statement | needs | unit | subjects | cells |", "|---|---|---|---|---|---|---|"]
        for claim_id, cells in report.claims.items():
            first = cells[0]
            subjects = ", ".join(code(s) for s in dict.fromkeys(c.subject for c in cells))
            lines.append(
                f"| {code(claim_id)} | {escape(first.section or '')} | {escape(first.statement)} | "
                f"{escape(f'{first.quantity} {first.bound}')} | {escape(first.unit)} | {subjects} | {len(cells)} |"
            )
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"
