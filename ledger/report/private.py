"""What must not leave the machine with a report: keys keep a run out, home folders are replaced. And what no file can hold."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

from ..errors import LedgerError
from ..run import Run
from ..text import label

_KEY = re.compile(
    r"\b(?:hf_[A-Za-z0-9]{20,}|sk-[A-Za-z0-9_-]{20,}|gh[pousr]_[A-Za-z0-9]{30,}|ak-[A-Za-z0-9]{20,}|AKIA[0-9A-Z]{16})\b"
)
_HOME = re.compile(r"(?<![\w/.])(?:/home/|/Users/)[^/\\\s'\"]+|\b[A-Za-z]:\\Users\\[^/\\\s'\"]+|(?<![\w/.])/root(?=/)")
_LONE = re.compile("[\ud800-\udfff]")
"""Half of a surrogate pair: JSON can write it, UTF-8 and addresses cannot."""


def passable(run: Run) -> Run:
    """The run as it may be passed on.

    Raises:
        LedgerError: something in it looks like an access key; the message names the place and not the key.
    """
    name = run.path.name
    rows = [r if _harmless(r) else without_secrets(r, f"{name}: {label(r)} on {r['subject']}") for r in run.rows]
    return replace(run, rows=rows, header=without_secrets(run.header, f"{name}: the run record"))


def _harmless(row: Any) -> bool:
    text = json.dumps(row, ensure_ascii=False)
    return not (_KEY.search(text) or _HOME.search(text) or _LONE.search(text) or "\\\\" in text)


def without_secrets(value: Any, where: str = "the report") -> Any:
    """The value with ``~`` for every home folder in its strings, and U+FFFD for what is no character.

    Raises:
        LedgerError: a string holds something like an access key; the message names the field and not the key.
    """
    if isinstance(value, str):
        if _KEY.search(value):
            raise LedgerError(
                f"{where} holds something that looks like an access key, and a report is made to be passed on. "
                "Withdraw the key, and run the test again without it in names or messages"
            )
        value = _LONE.sub("\ufffd", value)
        return _HOME.sub("~", value) if "/" in value or "\\" in value else value
    if isinstance(value, dict):
        kept = {}
        for k, v in value.items():
            kept[without_secrets(k, f"a name in {where}")] = without_secrets(v, f"{where}, {k!s:.40}")
        return kept
    if isinstance(value, list | tuple):
        return [without_secrets(v, where) for v in value]
    return value
