"""Scaffold: a new claim as a YAML entry and a test that runs at once."""

from __future__ import annotations

import re
from pathlib import Path

from .claim import EXAMPLE_SUBJECT
from .errors import LedgerError, RegistrationError
from .registry import load_report

HEADER = """# Claims of the report "{report}". What is promised stands here; how it is measured, in test_*.py beside it.
# Keys and their meaning: docs/guide/write-a-claim.md in the mi-assay repository
report: {name}
defaults:
  tier: smoke
claims:
"""
ENTRY = """  {name}:
    statement: {statement}
    quantity: accuracy          # what was measured
    unit: prompt                # the independent unit: never tokens
    design: paired              # the same prompts in both arms
    above: 0.0                  # pass: the whole interval lies above this
    subjects:
      {example}: {{}}      # put the model's name here, once the numbers are yours
"""
TEST = '''"""{statement}"""

import pytest

from {home} import Sample

# Example numbers, so that this file runs. Put your own per-prompt scores here, or read them from a file.
PROMPTS = [f"prompt-{{i:02d}}" for i in range(12)]
OURS = [0.71, 0.64, 0.80, 0.75, 0.69, 0.77, 0.73, 0.66, 0.81, 0.70, 0.74, 0.68]
THEIRS = [0.66, 0.61, 0.79, 0.70, 0.70, 0.71, 0.69, 0.65, 0.74, 0.66, 0.71, 0.69]


@pytest.mark.claim("{id}")
def test_{function}(judge):
    ours = Sample(OURS, units=PROMPTS)
    theirs = Sample(THEIRS, units=PROMPTS)
    judge(ours - theirs, above=0.0)  # paired, because the ids match
'''


def new_claim(claim_id: str, statement: str | None, folder: Path) -> tuple[Path, Path]:
    """Register ``<report>.<name>`` in ``folder`` and write its test; returns both paths.

    Raises:
        LedgerError: an id that is not <report>.<name>, or one that exists already; nothing is changed.
    """
    if not re.fullmatch(r"[A-Za-z0-9][\w-]*\.[A-Za-z0-9][\w-]*", claim_id):
        raise LedgerError(
            f"claim id {claim_id!r}: expected <report>.<name> in letters, digits, - and _, e.g. my-paper.sae-wins"
        )
    report, _, name = claim_id.partition(".")
    statement = " ".join(
        (
            statement or f"{name.replace('-', ' ').replace('_', ' ')} (say in one sentence what is better than what)"
        ).split()
    )
    yaml_path, test_path = folder / f"{report}.yaml", folder / f"test_{_identifier(f'{report}_{name}')}.py"
    if test_path.exists():
        raise LedgerError(f"{test_path} exists already; choose another name, or edit it")
    if yaml_path.exists() and claim_id in load_report(yaml_path).claims:
        raise LedgerError(f"{yaml_path}: {claim_id} is registered already")
    before = yaml_path.read_text("utf-8") if yaml_path.exists() else None
    text = HEADER.format(report=report, name=_key(report)) if before is None else before.rstrip("\n") + "\n"
    folder.mkdir(parents=True, exist_ok=True)
    yaml_path.write_text(
        text + ENTRY.format(name=_key(name), statement=_quoted(statement), example=EXAMPLE_SUBJECT), "utf-8"
    )
    try:
        load_report(yaml_path).cells(claim_id)
    except RegistrationError as exc:
        if before is None:
            yaml_path.unlink()
        else:
            yaml_path.write_text(before, "utf-8")
        raise LedgerError(
            f"the entry could not be added ({exc}); claims: must be the last key of {yaml_path}. Nothing was changed"
        ) from None
    home = "mi_assay" if __package__ and "." in __package__ else "mi.sample"
    safe = statement.replace("\\", "\\\\").replace('"', '\\"')
    test_path.write_text(TEST.format(id=claim_id, function=_identifier(name), statement=safe, home=home), "utf-8")
    return yaml_path, test_path


def _identifier(name: str) -> str:
    return re.sub(r"\W", "_", name).lower()


def _key(name: str) -> str:
    """A name as YAML reads it back: ``no`` and ``1e3`` need quotes."""
    words = ("yes", "no", "on", "off", "true", "false", "null")
    return name if name[0].isalpha() and name.lower() not in words else _quoted(name)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
