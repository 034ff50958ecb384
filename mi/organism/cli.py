"""The command line: build, evaluate, sample, card."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from .world import KINDS, SPLITS, corrupted, documents


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m mi.organism", description="A small language model with known answers, and its world."
    )
    commands = parser.add_subparsers(dest="command", required=True)

    build = commands.add_parser("build", help="make tokenizer and weights from nothing but this repository")
    build.add_argument(
        "-o", "--out", type=Path, required=True, metavar="DIR", help="where the model goes; must not exist"
    )
    build.add_argument(
        "--seed", type=int, default=0, help="of initialisation and data order (0, 1, 2, ... are shipped)"
    )
    build.add_argument("--tokens", type=float, metavar="N", help="train on N tokens instead of the recipe's")
    build.add_argument("--minutes", type=float, metavar="M", help="shorten the training to about M minutes")
    build.add_argument("--early", type=float, metavar="N", help="put weights aside after N tokens, in DIR-early")

    evaluate = commands.add_parser("evaluate", help="measure a model folder: accuracy, loss, randomised copies")
    evaluate.add_argument("folder", type=Path, metavar="DIR")
    evaluate.add_argument("-o", "--out", type=Path, metavar="FILE", help="write the JSON there instead of to stdout")
    evaluate.add_argument("-n", type=int, default=400, help="held-out items per task")
    evaluate.add_argument("--documents", type=int, default=3000, help="for the loss")
    evaluate.add_argument("--copies", type=int, default=3, help="randomised copies per scheme; 0 for none")

    sample = commands.add_parser("sample", help="print documents")
    sample.add_argument("kind", choices=[*KINDS, "world"], help="'world' for the mix")
    sample.add_argument("-n", type=int, default=5)
    sample.add_argument("--seed", type=int, default=0)
    sample.add_argument("--split", choices=SPLITS, default="train")
    sample.add_argument(
        "--json", action="store_true", help="one JSON object a line, with all latent variables and spans"
    )
    sample.add_argument("--corrupted", action="store_true", help="also print each document's counterpart")

    card = commands.add_parser("card", help="measure the shipped weights and write MODEL_CARD.md and SHA256SUMS")
    card.add_argument("--render-only", action="store_true", help="from weights/measured.json, without measuring")
    return parser


def _build(arguments: argparse.Namespace) -> int:
    out: Path = arguments.out
    for name, least in (("tokens", 4096), ("minutes", 0.05), ("early", 4096)):
        value = getattr(arguments, name)
        if value is not None and not value >= least:
            return _fail(f"--{name} {value:g}; expected at least {least}")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        return _fail(f"{out} exists already; name a folder that does not, or delete it")
    from dataclasses import replace

    from .console import console
    from .recipe import TrainingRecipe
    from .train import make_tokenizer, train

    recipe = replace(TrainingRecipe(), early=int(arguments.early or 0))
    if arguments.tokens is not None:
        recipe = replace(recipe, tokens=int(arguments.tokens))
    print(f"Tokenizer, then {recipe.tokens:,} tokens in {recipe.steps:,} steps.", file=sys.stderr)
    train(out, arguments.seed, make_tokenizer(), recipe, minutes=arguments.minutes, progress=console)
    print(out)
    return 0


def _evaluate(arguments: argparse.Namespace) -> int:
    if arguments.n < 1 or arguments.documents < 1 or arguments.copies < 0:
        return _fail("-n and --documents must be at least 1, --copies at least 0")
    from .console import console
    from .measure import NotAModel, measure

    try:
        result = measure(arguments.folder, arguments.n, arguments.copies, arguments.documents, console)
    except NotAModel as error:
        return _fail(str(error))
    text = json.dumps(result, indent=1)
    if arguments.out:
        arguments.out.write_text(text + "\n", "utf-8")
    else:
        print(text)
    return 0


def _sample(arguments: argparse.Namespace) -> int:
    if arguments.n < 1:
        return _fail("-n must be at least 1")
    kinds = None if arguments.kind == "world" else [arguments.kind]
    for document in documents(arguments.split, arguments.seed, arguments.n, kinds):
        for one in (document, corrupted(document)) if arguments.corrupted else (document,):
            if arguments.json:
                about = {"id": one.id, "kind": one.kind, "domain": one.domain, "split": one.split, "text": one.text}
                spans = [list(span) for span in one.spans]
                nats = {"nats": one.nats, "nats_whole": one.nats_whole} if one is document else {}
                print(json.dumps(about | {"spans": spans, "labels": dict(one.labels)} | nats, ensure_ascii=False))
            else:
                print(one.text.rstrip("\n"))
    return 0


def _card(arguments: argparse.Namespace) -> int:
    from .card import measure_all, write_card

    if not arguments.render_only:
        from .console import console

        measure_all(console)
    print(write_card())
    return 0


def _fail(message: str) -> int:
    print(f"error: {message}", file=sys.stderr)
    return 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code is 0, or 2 for a wrong request."""
    arguments = _parser().parse_args(argv)
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    run = {"build": _build, "evaluate": _evaluate, "sample": _sample, "card": _card}[arguments.command]
    try:
        return run(arguments)
    except BrokenPipeError:  # `| head`
        sys.stderr.close()
        return 0
