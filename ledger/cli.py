"""``python -m ledger``: read, compare, gate, verify and publish runs. Starts without numpy."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from .commands import checking, publishing, reading, registering
from .commands.reading import BEGIN, END
from .errors import LedgerError
from .home import command
from .text import clean

Command = Callable[[argparse.Namespace], int]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Exit status: 0 fine, 1 the gate or a verification failed, 2 bad input."""
    args = _parser().parse_args(argv)
    collecting = gc.isenabled()
    gc.disable()  # a short life that only makes objects: looking for garbage doubles the time on long ledgers
    try:
        command: Command = args.command
        return command(args)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (LedgerError, OSError) as exc:
        print(f"ledger: {clean(exc)}", file=sys.stderr)
        return 2
    finally:
        if collecting:
            gc.enable()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=command(), description="Verdicts of interpretability claims, from the ledger alone."
    )
    parser.add_argument("--root", type=Path, default=Path(), help="the repository whose runs to read (default: here)")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(
        name: str, run: Command, about: str, *, one_run: bool = True, formats: Sequence[str] = ()
    ) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=about, description=about)
        sub.set_defaults(command=run)
        if one_run:
            sub.add_argument("run", nargs="?", help="a run file, or the beginning of a run id (default: the last run)")
        if formats:
            sub.add_argument("--format", choices=formats, default=formats[0])
        return sub

    table = add("table", reading.table, "the verdict table of a run", formats=("term", "md", "json"))
    table.add_argument("--only", metavar="ID[,ID]", help="only these claims; * matches, as in 'microscope.*'")
    table.add_argument("--attention", action="store_true", help="only rows that want a person")
    table.add_argument("--limit", type=int, help="at most this many rows; 0 for all (default in a terminal: 1000)")
    table.add_argument(
        "--into", type=Path, metavar="FILE", help=f"replace the part of FILE between {BEGIN} and {END} (Markdown)"
    )
    table.add_argument("--check", action="store_true", help="with --into: change nothing, exit 1 if FILE is stale")

    show = add("show", reading.show, "one claim in full", one_run=False, formats=("term", "md", "json"))
    show.add_argument("claim", help="claim id, with or without the report's name")
    show.add_argument("run", nargs="?")
    show.add_argument("--subject")
    show.add_argument(
        "--unit", metavar="ID", help="the card of one latent behind the claim: what it fires on, and every answer"
    )
    show.add_argument("--store", type=Path, metavar="DIR", help="the store with the artifacts (default: as for pytest)")

    diff = add(
        "diff",
        reading.diff,
        "what changed between two runs: flips first, moved goalposts loudly",
        one_run=False,
        formats=("term", "md", "json"),
    )
    diff.add_argument("before", nargs="?", help="default: the run before the last")
    diff.add_argument("after", nargs="?", help="default: the last run")

    comment = add(
        "comment", publishing.comment, "what a pull request changes, as its comment (Markdown)", one_run=False
    )
    comment.add_argument("before", nargs="?", help="run of the base branch")
    comment.add_argument("after", nargs="?", help="run of the pull request")
    comment.add_argument("-o", "--output", type=Path, help="write it there; an empty file if nothing changed")
    comment.add_argument("--report-url", metavar="URL", help="where the report is, for a link")
    comment.add_argument(
        "--untrusted",
        type=Path,
        metavar="ZIP",
        help="take both runs from what a pull request uploaded, and print its number (see docs/guide/ci.md)",
    )

    badge = add("badge", publishing.badge, "one subject's outcome as an SVG badge")
    badge.add_argument("-o", "--output", type=Path, default=Path("badge.svg"), help="default: badge.svg")
    badge.add_argument("--subject", help="needed where the run has several")

    gate = add("gate", checking.gate, "exit 1 unless a run may be relied on", formats=("term", "md", "json"))
    gate.add_argument("--require", metavar="ID[,ID]", default="", help="claims that must pass in every cell")
    gate.add_argument("--claims", type=Path, metavar="DIR", help="every cell registered there must have a row")
    gate.add_argument("--max-age", metavar="30d", help="the oldest run that still counts (h, d or w)")
    gate.add_argument(
        "--allow", metavar="WHAT[,WHAT]", default="", help="let through: dirty, drift, unexpected, unsealed"
    )

    add(
        "verify",
        checking.verify,
        "recompute every verdict from the stored per-unit scores, and check the chain",
        formats=("term", "md", "json"),
    )
    budget = add(
        "budget",
        checking.budget,
        "what builds for money have cost, and what is left",
        one_run=False,
        formats=("term", "json"),
    )
    budget.add_argument("--budget", metavar="USD", help="the cap to compare with (default: $MI_ASSAY_BUDGET, or 30)")
    budget.add_argument(
        "--settle",
        metavar="KEY=USD",
        action="append",
        default=[],
        help="a start without an end has cost so much: its process was killed",
    )
    index = add(
        "index", registering.index, "the index of registered claims", one_run=False, formats=("md", "term", "json")
    )
    index.add_argument("--claims", type=Path, default=Path("claims"), help="folder of the YAML files (default: claims)")
    index.add_argument("-o", "--output", type=Path, help="write it there")
    new = add("new", registering.new, "register a claim and write its test", one_run=False)
    new.add_argument("claim", help="<report>.<name>")
    new.add_argument("statement", nargs="?", help="one sentence: what is better than what, on what")
    new.add_argument("--folder", type=Path, default=Path("claims"), help="where claims live (default: claims)")
    add("path", registering.path, "the path of a run's file", one_run=True)

    figures = add(
        "figures", publishing.figures, "the figures of a run as files, each drawn from the artifacts behind its rows"
    )
    figures.add_argument("-o", "--output", type=Path, metavar="DIR", required=True, help="write them there")
    figures.add_argument("--only", metavar="ID[,ID]", default="*", help="only these; * matches, as in 'steering-*'")
    figures.add_argument(
        "--format",
        metavar="F[,F]",
        help='svg, png, csv (default: all of them; png only where the extra "figures" is installed)',
    )
    figures.add_argument(
        "--store", type=Path, metavar="DIR", help="the store with the artifacts (default: as for pytest)"
    )

    report = add(
        "report", publishing.report, "the report of a run: one HTML file that needs nothing else", one_run=False
    )
    report.add_argument(
        "runs",
        nargs="*",
        metavar="RUN",
        help="the last of these is shown, compared with the others (default: the last run)",
    )
    report.add_argument("-o", "--output", type=Path, help="write it there (default: report.html beside the run)")
    report.add_argument("--store", type=Path, metavar="DIR", help="the store with the artifacts, for figures and cards")
    return parser
