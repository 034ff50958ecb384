"""``python -m benchmarks.silent_bugs``: the kill table; exit 1 if a silent bug survives or alarms are false."""

from __future__ import annotations

import argparse
import json
import sys
from fnmatch import fnmatch
from pathlib import Path

from .document import document
from .registry import MUTANTS
from .table import terminal
from .tasks import run


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.silent_bugs", description=__doc__)
    parser.add_argument("--only", help="comma-separated ids or patterns: D01, E*, ok-*")
    parser.add_argument("--seeds", type=int, default=3, help="data seeds per mutant (default %(default)s)")
    parser.add_argument(
        "--jobs", type=int, default=2, help="processes (default %(default)s); results do not depend on it"
    )
    parser.add_argument("--list", action="store_true", help="list the mutants, run none")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the kill table as a page")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything that was seen")
    given = parser.parse_args(arguments)
    if given.seeds < 1 or given.jobs < 1:
        parser.error("expected --seeds and --jobs of at least 1")
    patterns = given.only.split(",") if given.only else ["*"]
    mutants = [m for m in MUTANTS if any(fnmatch(m.id, p.strip()) for p in patterns)]
    if not mutants:
        parser.error(f"--only {given.only}: no such mutant; --list shows them")
    if given.list:
        print("\n".join(f"{m.id:24} {m.part:10} {m.what}" for m in mutants))
        return 0
    made = run(mutants, given.seeds, given.jobs)
    print(terminal(made))
    if given.markdown:
        given.markdown.write_text(document(made), "utf-8")
    if given.json:
        given.json.write_text(json.dumps(made.json(), indent=1) + "\n", "utf-8")
    return 1 if made.problems else 0


if __name__ == "__main__":
    sys.exit(main())
