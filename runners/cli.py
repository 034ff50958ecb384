"""``python -m runners``: what is in the store, why it is what it is, whether it is whole, and making room."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from .artifact import Entry
from .errors import RunnersError
from .eviction import collect
from .home import command
from .place import FOLDER, VARIABLE, store_folder
from .recipe import SHORT, Recipe
from .store import Store
from .text import clean, parse_size, parse_span, size, span
from .verification import Damage
from .why import derivation, difference

Command = Callable[[argparse.Namespace, Store], int]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Exit status: 0 fine, 1 damage was found, 2 bad input."""
    args = _parser().parse_args(argv)
    try:
        folder = _folder(args.store)
        if not folder.is_dir():
            raise RunnersError(
                f"there is no store at {folder}. Tests make one when they build something; "
                f"name another with --store DIR or {VARIABLE}."
            )
        command: Command = args.command
        return command(args, Store(folder))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (RunnersError, OSError) as exc:
        print(f"runners: {clean(exc)}", file=sys.stderr)
        return 2


def _folder(chosen: Path | None) -> Path:
    """The store that tests use, also from a folder below the one where pytest has its root."""
    if chosen is not None:
        return chosen.absolute()
    here = Path.cwd()
    beside = [p for p in (here, *here.parents) if (p / FOLDER).is_dir()]
    return store_folder(beside[0] if beside else here)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=command(), description="Artifacts that recipes describe, built once and kept."
    )
    parser.add_argument("--store", type=Path, metavar="DIR", help=f"the store (default: ${VARIABLE}, or {FOLDER})")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, run: Command, about: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=about, description=about)
        sub.set_defaults(command=run)
        return sub

    ls = add("ls", _ls, "what is in the store, last used first")
    ls.add_argument("--format", choices=("term", "json"), default="term")
    why = add("why", _why, "how an artifact came about, and how its nearest relative differs")
    why.add_argument("artifact", help="its label, or the beginning of its digest")
    gc = add("gc", _gc, "make room; what a living process uses stays")
    how = gc.add_mutually_exclusive_group()
    how.add_argument("--cap", metavar="SIZE", help="least recently used first, until the rest fits (default: the cap)")
    how.add_argument("--older", metavar="AGE", help="what was not used for so long, such as 30d")
    how.add_argument("--all", action="store_true", help="everything")
    gc.add_argument("--dry-run", action="store_true", help="only say what would go")
    verify = add("verify", _verify, "compare every byte with what was published; exit 1 if something is damaged")
    verify.add_argument("artifacts", nargs="*", help="labels, or beginnings of digests (default: all)")
    verify.add_argument("--delete", action="store_true", help="remove what is damaged; tests will build it again")
    return parser


# ---- commands -------------------------------------------------------------------------------------


def _ls(args: argparse.Namespace, store: Store) -> int:
    entries = sorted(store.entries(), key=lambda e: (-e.used, e.digest))
    if args.format == "json":
        print(json.dumps([_as_json(e) for e in entries], indent=1, ensure_ascii=False))
        return 0
    rows = [("DIGEST", "LABEL", "BUILDER", "SIZE", "AGE", "USED", "BUILT IN")]
    now = time.time()
    for entry in entries:
        used = f"{span(now - entry.used)} ago"
        if entry.manifest is None:
            rows.append((entry.digest[:SHORT], "(damaged)", "", size(entry.bytes), "", used, ""))
            continue
        recipe = entry.manifest.recipe["recipes"][entry.digest]
        age = span(now - _built(entry))
        rows.append(
            (
                entry.digest[:SHORT],
                clean(recipe["label"]) or "-",
                clean(recipe["build"]),
                size(entry.bytes),
                age,
                used,
                span(entry.manifest.seconds),
            )
        )
    widths = [max(len(row[k]) for row in rows) for k in range(7)]
    for row in rows:
        cells = [c.rjust(w) if k >= 3 else c.ljust(w) for k, (c, w) in enumerate(zip(row, widths, strict=True))]
        print("  ".join(cells).rstrip())
    print(f"{len(entries)} artifacts, {size(sum(e.bytes for e in entries))} of {size(store.cap)} in {store.root}")
    return 0


def _built(entry: Entry) -> float:
    assert entry.manifest is not None
    return datetime.fromisoformat(entry.manifest.when).timestamp()


def _as_json(entry: Entry) -> dict[str, object]:
    if entry.manifest is None:
        return {"digest": entry.digest, "damaged": True, "bytes": entry.bytes, "used": entry.used}
    recipe = entry.manifest.recipe["recipes"][entry.digest]
    return {
        "digest": entry.digest,
        "label": recipe["label"],
        "build": recipe["build"],
        "bytes": entry.bytes,
        "when": entry.manifest.when,
        "used": entry.used,
        "seconds": entry.manifest.seconds,
    }


def _picked(store: Store, wanted: str) -> list[Entry]:
    """The artifacts that a label or a beginning of a digest means.

    Raises:
        RunnersError: none.
    """
    found = [e for e in store.entries() if e.digest.startswith(wanted.lower()) or _label(e) == wanted]
    if not found:
        raise RunnersError(f"no artifact {wanted!r}: expected a label or the beginning of a digest; see {command()} ls")
    return found


def _label(entry: Entry) -> str | None:
    return str(entry.manifest.recipe["recipes"][entry.digest]["label"]) if entry.manifest else None


def _why(args: argparse.Namespace, store: Store) -> int:
    found = _picked(store, args.artifact)
    if len(found) > 1:
        which = ", ".join(f"{e.digest[:SHORT]} ({_label(e) or 'no label'})" for e in found[:8])
        raise RunnersError(f"{args.artifact!r} could be {which}: write more of the digest.")
    if found[0].manifest is None:
        raise RunnersError(f"the manifest of {found[0].digest[:SHORT]} cannot be read; see {command()} verify")
    recipe = Recipe.from_json(found[0].manifest.recipe)
    for line in (*derivation(recipe, store), "", *difference(recipe, store)):
        print(line)
    return 0


def _gc(args: argparse.Namespace, store: Store) -> int:
    cap = parse_size(args.cap) if args.cap else None
    older = parse_span(args.older) if args.older else None
    if not args.dry_run:
        store.sweep()
    done = collect(store, cap=cap, older=older, everything=args.all, dry_run=args.dry_run)
    for entry in done.gone:
        print(f"{entry.digest[:SHORT]}  {size(entry.bytes):>8}  {clean(_label(entry) or '-')}")
    word = "would remove" if args.dry_run else "removed"
    print(
        f"{word} {len(done.gone)} artifacts, {size(sum(e.bytes for e in done.gone))}; {size(done.bytes)} left"
        + (f"; {len(done.spared)} in use stay" if done.spared else "")
    )
    return 0


def _verify(args: argparse.Namespace, store: Store) -> int:
    if args.artifacts:
        entries = list({e.digest: e for wanted in args.artifacts for e in _picked(store, wanted)}.values())
    else:
        entries = list(store.entries())
    damaged = 0
    for entry in entries:
        try:
            store.look(entry.digest, thorough=True)
        except Damage as damage:
            damaged += 1
            gone = args.delete and store.drop(entry.digest)
            print(
                f"{entry.digest[:SHORT]}  {clean(_label(entry) or '-')}: {clean(damage)}{' (removed)' if gone else ''}"
            )
    print(f"{len(entries)} artifacts verified, {damaged} damaged")
    return 1 if damaged else 0
