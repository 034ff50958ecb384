"""Functions of the page's own files, called without a page around them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser

from ledger.report.records import record
from ledger.ruling import rulings

ROOT = Path(__file__).resolve().parents[2]
RECORDED = sorted((ROOT / "ledger/runs").glob("*.jsonl"))
NAMES = ("text.js", "judge.js", "playground.js", "new_claim.js")


@contextmanager
def own_script(browser: Browser) -> Iterator[Callable[..., Any]]:
    """``call("f(a)", a=...)``: the value of an expression that may use these functions and what is handed over."""
    source = "\n".join((ROOT / "ledger/report/assets" / name).read_text("utf-8") for name in NAMES)
    with browser.new_context() as context:
        page = context.new_page()

        def call(expression: str, **given: Any) -> Any:
            # One text, since thousands of objects cross over slowly; and as a literal, since JSON has no NaN.
            literal = json.dumps({"DATA": {"rows": []}, **given})
            names = ", ".join({"DATA": None, **given})
            code = f"const {{ {names} }} = {literal};\n{source}\nreturn JSON.stringify({expression});"
            return json.loads(page.evaluate("(code) => new Function('el', code)(() => null)", code))

        yield call


def records(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows as the page knows them."""
    return [record(ruling, at) for at, ruling in enumerate(rulings(rows))]
