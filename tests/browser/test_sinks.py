"""No way into the page but text: words that may not stand in its scripts, and the one file that may hand out markup."""

import re
from pathlib import Path

import pytest

from ledger.report import page as page_module

REPORT = Path(page_module.__file__).parent
BANNED = {
    "markup from text": r"\b(innerHTML|outerHTML|insertAdjacentHTML|createContextualFragment|DOMParser|srcdoc|setHTMLUnsafe)\b",
    "writing documents": r"\bdocument\s*\.\s*write",
    "code from text": r"\beval\s*\(|\bFunction\s*\(|\b(setTimeout|setInterval)\s*\(\s*['\"`]|\bimport\s*\(",
    "handlers as attributes": r"['\"`\s]on[a-z]+\s*=\s*['\"`\\]|setAttribute\(\s*['\"`]on",
    "styles as attributes": r"setAttribute\(\s*['\"`]style|\bstyle\s*:\s*['\"`]|cssText",
    "the network": r"\b(fetch|XMLHttpRequest|WebSocket|EventSource|sendBeacon|importScripts|Worker|SharedWorker)\b\s*\(?|new\s+Image\b",
    "stores": r"\b(localStorage|sessionStorage|indexedDB)\b|document\s*\.\s*cookie",
}
SCRIPTS = sorted((REPORT / "assets").glob("*.js"))
PYTHON = sorted(REPORT.rglob("*.py"))
TEMPLATES = sorted((REPORT / "templates").iterdir())


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda p: p.name)
def test_scripts_write_text_only(path):
    code = "\n".join(line for line in path.read_text("utf-8").splitlines() if not line.lstrip().startswith("//"))
    assert {why: found for why, pattern in BANNED.items() if (found := re.search(pattern, code))} == {}


def test_the_words_would_be_found():
    bad = (
        "x.innerHTML = a",
        "document.write(a)",
        "setTimeout('a()')",
        "el('a', { 'x': ' onclick=\"' })",
        "e.setAttribute('style', a)",
        "fetch(a)",
        "localStorage.x",
    )
    for line, (why, pattern) in zip(bad, BANNED.items(), strict=True):
        assert re.search(pattern, line), why


@pytest.mark.parametrize("path", PYTHON, ids=lambda p: p.name)
def test_only_one_file_hands_out_markup(path):
    found = re.search(
        r"\bMarkup\b|\|\s*safe\b|autoescape\s*=\s*False|select_autoescape|shell=True", path.read_text("utf-8")
    )
    assert (found is None) == (path.name != "trusted.py")


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda p: p.name)
def test_templates_trust_nothing(path):
    text = path.read_text("utf-8")
    assert not re.search(r"\|\s*safe\b|autoescape|\son\w+=|\sstyle=|https?://|src=", text)
    inside = re.findall(r"<[^<>]*=([^\"'\s>]*\{\{)", text)
    assert inside == [], "an attribute without quotes"


def test_every_script_is_in_the_page():
    assert {p.name for p in SCRIPTS} == set(page_module.SCRIPTS)
    assert {p.name for p in (REPORT / "assets").glob("*.css")} == set(page_module.STYLES)
