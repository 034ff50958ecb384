"""Commands that decide: gate, verify, budget."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from ..claim import Claim
from ..folders import find_run
from ..run import read_run
from ..text import clean
from .run_of import load, print_json, unicode


def gate(args: argparse.Namespace) -> int:
    """Exit status 1 unless the run may be relied on."""
    from ..gate import parse_age, problems
    from ..markdown import escape

    run = load(args)
    found = problems(
        run,
        require=[c for c in args.require.split(",") if c],
        max_age=parse_age(args.max_age) if args.max_age else None,
        allow=[a for a in args.allow.split(",") if a],
        registered=_registered(args.root / args.claims) if args.claims else (),
    )
    open_words = f"nothing unexpected in {len(run.rows)} rows"
    if args.format == "json":
        print_json({"run": run.id, "open": not found, "problems": found})
    elif args.format == "md":
        lines = [f"- {escape(p)}" for p in found] or [f"{open_words.capitalize()}."]
        print("\n".join([f"### Gate: {'closed' if found else 'open'}", "", *lines]))
    else:
        print(f"gate {'closed' if found else 'open'}: run {run.id}, {f'{len(run.rows)} rows' if found else open_words}")
        for p in found:
            print(f"  {clean(p)}")
    return 1 if found else 0


def _registered(folder: Path) -> list[Claim]:
    from ..index import load_reports

    return [cell for report in load_reports(folder) for cells in report.claims.values() for cell in cells]


def verify(args: argparse.Namespace) -> int:
    """Recompute the verdicts; exit status 1 where one does not hold."""
    from ..verify import verify

    run = read_run(find_run(args.root, args.run))
    found = verify(run)
    if args.format == "json":
        print_json({"run": run.id, "rows": found.rows, "recomputed": found.recomputed, "problems": found.problems})
        return 1 if found.problems else 0
    word = "does not hold" if found.problems else "holds"
    what = f"{found.recomputed} of {found.rows} rows recomputed from their scores, chain checked"
    if args.format == "md":
        from ..markdown import code, escape

        print(
            "\n".join([f"### Run {code(run.id)} {word}", "", f"{what}.", *(f"- {escape(p)}" for p in found.problems)])
        )
    else:
        print(f"run {run.id} {word}: {what}")
        for p in found.problems:
            print(f"  {clean(p)}")
    return 1 if found.problems else 0


def budget(args: argparse.Namespace) -> int:
    """What was spent, and what is left."""
    from datetime import UTC, datetime

    from ..budget import budget_lines, read_budget
    from ..terminal import Style

    found = read_budget(args.root, args.budget, args.settle)
    if args.format == "json":
        print_json(found)
        return 0
    columns = shutil.get_terminal_size((80, 24)).columns
    style = Style(min(max(columns, 80), 120), unicode())
    for line in budget_lines(found, datetime.now(UTC), style.width):
        print(style.text(line))
    return 0
