"""Commands about registrations: index, new; and the path of a run."""

from __future__ import annotations

import argparse
import json

from ..folders import find_run


def index(args: argparse.Namespace) -> int:
    """Print or write the index of claims."""
    from ..index import index_json, index_markdown, index_text, load_reports

    reports = load_reports(args.root / args.claims)
    if args.format == "json":
        text = json.dumps(index_json(reports), indent=1, ensure_ascii=False) + "\n"
    else:
        text = (index_markdown if args.format == "md" else index_text)(reports)
    if args.output:
        args.output.write_text(text, "utf-8")
    else:
        print(text, end="")
    return 0


def new(args: argparse.Namespace) -> int:
    """Register a claim and write its test."""
    from ..scaffold import new_claim

    yaml_path, test_path = new_claim(args.claim, args.statement, args.root / args.folder)
    print(f"registered {args.claim} in {yaml_path}\nwrote {test_path}\nrun it: pytest {test_path} --verdicts=all")
    return 0


def path(args: argparse.Namespace) -> int:
    """Print the path of a run's file."""
    print(find_run(args.root, args.run))
    return 0
