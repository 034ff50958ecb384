"""Commands that print rows: table, show, diff."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import LedgerError
from ..folders import run_files
from ..home import command
from ..row import wants_attention
from ..ruling import named, settled
from .run_of import colours, load, print_json, print_text, unicode

BEGIN, END = "<!-- verdicts:begin -->", "<!-- verdicts:end -->"


def table(args: argparse.Namespace) -> int:
    """Print the verdict table, or put it into a file."""
    run = load(args)
    only = tuple(args.only.split(",")) if args.only else ("*",)
    if args.check and not args.into:
        raise LedgerError("--check compares a file: name it with --into FILE")
    if not any(named(r["claim"], only) for r in run.rows) and run.rows:
        known = ", ".join(sorted({r["claim"] for r in run.rows})[:12])
        raise LedgerError(f"--only {args.only!r} matches no claim of run {run.id}; it has {known}")
    if args.format == "json":
        rows = [r for r in settled(run.rows) if named(r["claim"], only)]
        rows = [r for r in rows if not args.attention or wants_attention(r)][: args.limit or None]
        print("[")  # row by row: a long ledger as one string would fill the memory
        for i, row in enumerate(rows):
            print(json.dumps(row) + ("," if i + 1 < len(rows) else ""))
        print("]")
        return 0
    if args.format == "md" or args.into:
        from ..markdown import verdict_table

        text = verdict_table(run.rows, limit=args.limit or None, only=only, attention=args.attention)
        if args.into:
            return _replace_between_markers(args.into, text, args.check)
        print(text, end="")
        return 0
    from ..terminal import Style, verdict_lines

    style = Style(shutil.get_terminal_size((100, 24)).columns, unicode())
    colour = colours()
    print(style.text(f"run {run.id}  {run.path}"))
    limit = 1000 if args.limit is None else args.limit or sys.maxsize
    for line, markup in verdict_lines(run.rows, style, "attention" if args.attention else "all", only, limit):
        code = "31;1" if markup.get("red") else "33" if markup.get("yellow") else ""
        print(f"\x1b[{code}m{line}\x1b[0m" if colour and code else line)
    return 0


def _replace_between_markers(path: Path, text: str, check: bool) -> int:
    try:
        old = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise LedgerError(f"{path}: cannot be read ({exc})") from None
    before, begin, rest = old.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise LedgerError(f"{path}: expected the markers {BEGIN} and {END}")
    new = f"{before}{begin}\n{text}{end}{after}"
    if check and new != old:
        print(f"ledger: {path} is stale; run: {command()} table --into {path}", file=sys.stderr)
        return 1
    if not check:
        path.write_text(new, "utf-8")
    return 0


def show(args: argparse.Namespace) -> int:
    """Print one claim in full, or the card of a latent."""
    from ..artifact_files import store_folder
    from ..show import picked, show_text

    run = load(args)
    store = store_folder(args.root, args.store)
    rows = [r.row for r in picked(run, args.claim, args.subject)]
    if args.unit is not None:
        return _show_cards(rows, args.unit, store, args.format)
    if args.format == "json":
        print_json(rows)
        return 0
    print_text(show_text(run, args.claim, args.subject, store), args.format)
    return 0


def _show_cards(rows: Sequence[Mapping[str, Any]], unit: str, store: Path, form: str) -> int:
    from ..card_text import card_text
    from ..cards import find_cards
    from ..terminal import Style

    cards = find_cards(rows, unit, store)
    if form == "json":
        print_json([{"artifact": card.artifact, **card.content} for card in cards])
        return 0
    colour = form == "term" and colours()
    print_text("\n\n".join(card_text(card, Style(unicode=form == "md" or unicode()), colour) for card in cards), form)
    return 0


def diff(args: argparse.Namespace) -> int:
    """Print what changed between two runs."""
    from ..diff import changes, diff_json, diff_markdown, diff_text

    before, after = args.before, args.after
    if before is None:
        files = run_files(args.root)
        if len(files) < 2:
            raise LedgerError(f"{len(files)} run here; a diff needs two. Name them: {command()} diff BEFORE AFTER")
        before = str(files[1])
    found = changes(load(args, before).rows, load(args, after).rows)
    if args.format == "json":
        print_json(diff_json(found))
    else:
        print((diff_markdown if args.format == "md" else diff_text)(found), end="")
    return 0
