"""``python -m benchmarks.calibration``: measure, print the table, exit with 1 if a bar is missed."""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import replace
from pathlib import Path

from .bars import FULL, SHORT, bars_for
from .plan import Plan, select, tasks
from .report import report
from .table import table
from .tasks import results


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.calibration", description=__doc__)
    parser.add_argument(
        "--n", type=int, default=FULL, help="claims per scenario (default %(default)s; fewer: wider bars)"
    )
    parser.add_argument(
        "--scenarios", help="comma-separated: S1 ... S9, family, sequential, refusals, controls, determinism"
    )
    parser.add_argument(
        "--jobs", type=int, default=2, help="processes (default %(default)s); results do not depend on it"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything that was measured")
    given = parser.parse_args(arguments)
    if given.n < SHORT or given.jobs < 1:
        parser.error(
            f"expected --n of at least {SHORT} (with fewer, a sound method misses bars by chance), and --jobs of at least 1"
        )
    plan = Plan(given.n, reports=2 * given.n // 5, ledgers=given.n)
    if given.scenarios:
        try:
            scenarios, parts = select(given.scenarios.split(","))
        except ValueError as error:
            parser.error(str(error))
        plan = replace(plan, scenarios=scenarios, parts=parts)
    began = time.monotonic()
    made = report(plan, results(list(tasks(plan)), given.jobs), bars_for(given.n))
    made.seconds = time.monotonic() - began
    print(table(made))
    if given.json:
        given.json.write_text(json.dumps(made.json(), indent=1) + "\n")
    return 1 if made.missed else 0


if __name__ == "__main__":
    sys.exit(main())
