"""Commands that write for other people: report, figures, comment, badge."""

from __future__ import annotations

import argparse
import sys

from ..errors import LedgerError
from ..home import command
from .run_of import load


def report(args: argparse.Namespace) -> int:
    """Write the page and print its path."""
    from ..report.command import write_report

    print(write_report(args.root, args.runs, args.output, args.store))
    return 0


def figures(args: argparse.Namespace) -> int:
    """Write the figures and print their paths."""
    from ..artifact_files import store_folder
    from ..figures.export import export

    store, chosen = store_folder(args.root, args.store), args.only.split(",")
    formats = None if args.format is None else args.format.split(",")
    written, absent = export(load(args), store, args.output, only=chosen, formats=formats)
    for path in written:
        print(path)
    for why in absent:
        print(f"ledger: {why}", file=sys.stderr)
    return 0


def comment(args: argparse.Namespace) -> int:
    """Write a pull request's comment."""
    from ..comment import render_comment
    from ..pull_request import read_pull_request

    request = None
    if args.untrusted:
        if args.before or not args.output:
            raise LedgerError("--untrusted ZIP has both runs in it: name none beside it, and write with -o FILE")
        request = read_pull_request(args.untrusted)
        before, after = request.before, request.after
    elif args.after:
        before, after = load(args, args.before), load(args, args.after)
    else:
        raise LedgerError(f"a comment is about two runs: {command()} comment BEFORE AFTER")
    text = render_comment(before, after, report_url=args.report_url, stranger=request is not None)
    if args.output:
        args.output.write_text(text, "utf-8")
    else:
        print(text, end="")
    if request:
        print(request.number)
    return 0


def badge(args: argparse.Namespace) -> int:
    """Write the badge."""
    from datetime import UTC, datetime

    from ..badge import badge

    args.output.write_text(badge(load(args), datetime.now(UTC), args.subject), "utf-8")
    return 0
