"""``python -m ledger``: read, compare, gate and verify runs. Starts without numpy."""

from __future__ import annotations

import argparse
import gc
import json
import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from .claim import Claim
from .errors import LedgerError
from .folders import find_run, newer_plans, run_files
from .home import command
from .row import wants_attention
from .ruling import named, settled
from .run import Run, read_run
from .text import clean

Command = Callable[[argparse.Namespace], int]
BEGIN, END = "<!-- verdicts:begin -->", "<!-- verdicts:end -->"


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

    table = add("table", _table, "the verdict table of a run", formats=("term", "md", "json"))
    table.add_argument("--only", metavar="ID[,ID]", help="only these claims; * matches, as in 'microscope.*'")
    table.add_argument("--attention", action="store_true", help="only rows that want a person")
    table.add_argument("--limit", type=int, help="at most this many rows; 0 for all (default in a terminal: 1000)")
    table.add_argument(
        "--into", type=Path, metavar="FILE", help=f"replace the part of FILE between {BEGIN} and {END} (Markdown)"
    )
    table.add_argument("--check", action="store_true", help="with --into: change nothing, exit 1 if FILE is stale")

    show = add("show", _show, "one claim in full", one_run=False, formats=("term", "md", "json"))
    show.add_argument("claim", help="claim id, with or without the report's name")
    show.add_argument("run", nargs="?")
    show.add_argument("--subject")
    show.add_argument(
        "--unit", metavar="ID", help="the card of one latent behind the claim: what it fires on, and every answer"
    )
    show.add_argument("--store", type=Path, metavar="DIR", help="the store with the artifacts (default: as for pytest)")

    diff = add(
        "diff",
        _diff,
        "what changed between two runs: flips first, moved goalposts loudly",
        one_run=False,
        formats=("term", "md", "json"),
    )
    diff.add_argument("before", nargs="?", help="default: the run before the last")
    diff.add_argument("after", nargs="?", help="default: the last run")

    comment = add("comment", _comment, "what a pull request changes, as its comment (Markdown)", one_run=False)
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

    badge = add("badge", _badge, "one subject's outcome as an SVG badge")
    badge.add_argument("-o", "--output", type=Path, default=Path("badge.svg"), help="default: badge.svg")
    badge.add_argument("--subject", help="needed where the run has several")

    gate = add("gate", _gate, "exit 1 unless a run may be relied on", formats=("term", "md", "json"))
    gate.add_argument("--require", metavar="ID[,ID]", default="", help="claims that must pass in every cell")
    gate.add_argument("--claims", type=Path, metavar="DIR", help="every cell registered there must have a row")
    gate.add_argument("--max-age", metavar="30d", help="the oldest run that still counts (h, d or w)")
    gate.add_argument(
        "--allow", metavar="WHAT[,WHAT]", default="", help="let through: dirty, drift, unexpected, unsealed"
    )

    add(
        "verify",
        _verify,
        "recompute every verdict from the stored per-unit scores, and check the chain",
        formats=("term", "md", "json"),
    )
    budget = add(
        "budget", _budget, "what builds for money have cost, and what is left", one_run=False, formats=("term", "json")
    )
    budget.add_argument("--budget", metavar="USD", help="the cap to compare with (default: $MI_ASSAY_BUDGET, or 30)")
    budget.add_argument(
        "--settle",
        metavar="KEY=USD",
        action="append",
        default=[],
        help="a start without an end has cost so much: its process was killed",
    )
    index = add("index", _index, "the index of registered claims", one_run=False, formats=("md", "term", "json"))
    index.add_argument("--claims", type=Path, default=Path("claims"), help="folder of the YAML files (default: claims)")
    index.add_argument("-o", "--output", type=Path, help="write it there")
    new = add("new", _new, "register a claim and write its test", one_run=False)
    new.add_argument("claim", help="<report>.<name>")
    new.add_argument("statement", nargs="?", help="one sentence: what is better than what, on what")
    new.add_argument("--folder", type=Path, default=Path("claims"), help="where claims live (default: claims)")
    add("path", _path, "the path of a run's file", one_run=True)

    figures = add("figures", _figures, "the figures of a run as files, each drawn from the artifacts behind its rows")
    figures.add_argument("-o", "--output", type=Path, metavar="DIR", required=True, help="write them there")
    figures.add_argument("--only", metavar="ID[,ID]", default="*", help="only these; * matches, as in 'steering-*'")
    figures.add_argument("--format", metavar="F[,F]", default="svg,csv", help="svg, png, csv (default: svg,csv)")
    figures.add_argument(
        "--store", type=Path, metavar="DIR", help="the store with the artifacts (default: as for pytest)"
    )

    report = add("report", _report, "the report of a run: one HTML file that needs nothing else", one_run=False)
    report.add_argument(
        "runs",
        nargs="*",
        metavar="RUN",
        help="the last of these is shown, compared with the others (default: the last run)",
    )
    report.add_argument("-o", "--output", type=Path, help="write it there (default: report.html beside the run)")
    report.add_argument("--store", type=Path, metavar="DIR", help="the store with the artifacts, for figures and cards")
    return parser


def _load(args: argparse.Namespace, name: str | None = None) -> Run:
    run = read_run(find_run(args.root, name or getattr(args, "run", None)))
    for plan in newer_plans(args.root, run.path):
        print(f"ledger: {plan.name}: a later session was killed before its first row, or is running", file=sys.stderr)
    for problem in run.problems:
        print(f"ledger: {run.path.name}: {problem}", file=sys.stderr)
    return run


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=1))


def _table(args: argparse.Namespace) -> int:
    run = _load(args)
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
        from .markdown import verdict_table

        text = verdict_table(run.rows, limit=args.limit or None, only=only, attention=args.attention)
        if args.into:
            return _replace_between_markers(args.into, text, args.check)
        print(text, end="")
        return 0
    from .terminal import Style, verdict_lines

    style = Style(shutil.get_terminal_size((100, 24)).columns, _unicode())
    colour = _colours()
    print(style.text(f"run {run.id}  {run.path}"))
    limit = 1000 if args.limit is None else args.limit or sys.maxsize
    for line, markup in verdict_lines(run.rows, style, "attention" if args.attention else "all", only, limit):
        code = "31;1" if markup.get("red") else "33" if markup.get("yellow") else ""
        print(f"\x1b[{code}m{line}\x1b[0m" if colour and code else line)
    return 0


def _unicode() -> bool:
    return "utf" in (sys.stdout.encoding or "").lower()


def _colours() -> bool:
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


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


def _show(args: argparse.Namespace) -> int:
    from .artifact_files import store_folder
    from .show import picked, show_text

    run = _load(args)
    store = store_folder(args.root, args.store)
    rows = [r.row for r in picked(run, args.claim, args.subject)]
    if args.unit is not None:
        return _show_cards(rows, args.unit, store, args.format)
    if args.format == "json":
        _print_json(rows)
        return 0
    _print_text(show_text(run, args.claim, args.subject, store), args.format)
    return 0


def _show_cards(rows: Sequence[Mapping[str, Any]], unit: str, store: Path, form: str) -> int:
    from .card_text import card_text
    from .cards import find_cards
    from .terminal import Style

    cards = find_cards(rows, unit, store)
    if form == "json":
        _print_json([{"artifact": card.artifact, **card.content} for card in cards])
        return 0
    colour = form == "term" and _colours()
    _print_text("\n\n".join(card_text(card, Style(unicode=form == "md" or _unicode()), colour) for card in cards), form)
    return 0


def _print_text(text: str, form: str) -> None:
    print(f"```text\n{text.replace('```', chr(39) * 3)}```\n" if form == "md" else text, end="")


def _diff(args: argparse.Namespace) -> int:
    from .diff import changes, diff_json, diff_markdown, diff_text

    before, after = args.before, args.after
    if before is None:
        files = run_files(args.root)
        if len(files) < 2:
            raise LedgerError(f"{len(files)} run here; a diff needs two. Name them: {command()} diff BEFORE AFTER")
        before = str(files[1])
    found = changes(_load(args, before).rows, _load(args, after).rows)
    if args.format == "json":
        _print_json(diff_json(found))
    else:
        print((diff_markdown if args.format == "md" else diff_text)(found), end="")
    return 0


def _comment(args: argparse.Namespace) -> int:
    from .comment import render_comment
    from .pull_request import read_pull_request

    request = None
    if args.untrusted:
        if args.before or not args.output:
            raise LedgerError("--untrusted ZIP has both runs in it: name none beside it, and write with -o FILE")
        request = read_pull_request(args.untrusted)
        before, after = request.before, request.after
    elif args.after:
        before, after = _load(args, args.before), _load(args, args.after)
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


def _badge(args: argparse.Namespace) -> int:
    from datetime import UTC, datetime

    from .badge import badge

    args.output.write_text(badge(_load(args), datetime.now(UTC), args.subject), "utf-8")
    return 0


def _gate(args: argparse.Namespace) -> int:
    from .gate import parse_age, problems
    from .markdown import escape

    run = _load(args)
    found = problems(
        run,
        require=[c for c in args.require.split(",") if c],
        max_age=parse_age(args.max_age) if args.max_age else None,
        allow=[a for a in args.allow.split(",") if a],
        registered=_registered(args.root / args.claims) if args.claims else (),
    )
    open_words = f"nothing unexpected in {len(run.rows)} rows"
    if args.format == "json":
        _print_json({"run": run.id, "open": not found, "problems": found})
    elif args.format == "md":
        lines = [f"- {escape(p)}" for p in found] or [f"{open_words.capitalize()}."]
        print("\n".join([f"### Gate: {'closed' if found else 'open'}", "", *lines]))
    else:
        print(f"gate {'closed' if found else 'open'}: run {run.id}, {f'{len(run.rows)} rows' if found else open_words}")
        for p in found:
            print(f"  {clean(p)}")
    return 1 if found else 0


def _registered(folder: Path) -> list[Claim]:
    from .index import load_reports

    return [cell for report in load_reports(folder) for cells in report.claims.values() for cell in cells]


def _verify(args: argparse.Namespace) -> int:
    from .verify import verify

    run = read_run(find_run(args.root, args.run))
    found = verify(run)
    if args.format == "json":
        _print_json({"run": run.id, "rows": found.rows, "recomputed": found.recomputed, "problems": found.problems})
        return 1 if found.problems else 0
    word = "does not hold" if found.problems else "holds"
    what = f"{found.recomputed} of {found.rows} rows recomputed from their scores, chain checked"
    if args.format == "md":
        from .markdown import code, escape

        print(
            "\n".join([f"### Run {code(run.id)} {word}", "", f"{what}.", *(f"- {escape(p)}" for p in found.problems)])
        )
    else:
        print(f"run {run.id} {word}: {what}")
        for p in found.problems:
            print(f"  {clean(p)}")
    return 1 if found.problems else 0


def _budget(args: argparse.Namespace) -> int:
    from datetime import UTC, datetime

    from .budget import budget_lines, read_budget
    from .terminal import Style

    found = read_budget(args.root, args.budget, args.settle)
    if args.format == "json":
        _print_json(found)
        return 0
    columns = shutil.get_terminal_size((80, 24)).columns
    style = Style(min(max(columns, 80), 120), _unicode())
    for line in budget_lines(found, datetime.now(UTC), style.width):
        print(style.text(line))
    return 0


def _index(args: argparse.Namespace) -> int:
    from .index import index_json, index_markdown, index_text, load_reports

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


def _new(args: argparse.Namespace) -> int:
    from .scaffold import new_claim

    yaml_path, test_path = new_claim(args.claim, args.statement, args.root / args.folder)
    print(f"registered {args.claim} in {yaml_path}\nwrote {test_path}\nrun it: pytest {test_path} --verdicts=all")
    return 0


def _report(args: argparse.Namespace) -> int:
    from .report.command import write_report

    print(write_report(args.root, args.runs, args.output, args.store))
    return 0


def _figures(args: argparse.Namespace) -> int:
    from .artifact_files import store_folder
    from .figures.export import export

    store, chosen = store_folder(args.root, args.store), args.only.split(",")
    written, absent = export(_load(args), store, args.output, only=chosen, formats=args.format.split(","))
    for path in written:
        print(path)
    for why in absent:
        print(f"ledger: {why}", file=sys.stderr)
    return 0


def _path(args: argparse.Namespace) -> int:
    print(find_run(args.root, args.run))
    return 0
