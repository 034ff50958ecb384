"""Which run a command is about, and how its answer is printed."""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import Any

from ..folders import find_run, newer_plans
from ..run import Run, read_run


def load(args: argparse.Namespace, name: str | None = None) -> Run:
    """The run that was named, or the last; what is wrong with it goes to stderr."""
    run = read_run(find_run(args.root, name or getattr(args, "run", None)))
    for plan in newer_plans(args.root, run.path):
        print(f"ledger: {plan.name}: a later session was killed before its first row, or is running", file=sys.stderr)
    for problem in run.problems:
        print(f"ledger: {run.path.name}: {problem}", file=sys.stderr)
    return run


def print_json(value: Any) -> None:
    """JSON for people and programs."""
    print(json.dumps(value, indent=1))


def print_text(text: str, form: str) -> None:
    """Text as it is, or fenced as Markdown."""
    print(f"```text\n{text.replace('```', chr(39) * 3)}```\n" if form == "md" else text, end="")


def unicode() -> bool:
    """Whether stdout can show more than ASCII."""
    return "utf" in (sys.stdout.encoding or "").lower()


def colours() -> bool:
    """Whether stdout wants colours."""
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
