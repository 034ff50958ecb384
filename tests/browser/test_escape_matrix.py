"""Hostile text changes nothing but its own text: every payload, in every field of a ledger, on every page of a report."""

import json
import re

import pytest
from hostile import PAYLOADS, hostile_header, hostile_rows
from opened import opened, visit

from ledger.report import page as page_module
from ledger.report import trusted

# What is in the page that only hostile text could have put there, and text that is not shown as itself.
FAULTS = """() => {
  const found = [];
  const foreign = document.querySelectorAll('main img, main script, main style, main iframe, main object, main embed, main form:not(.filters, .playground), main base, main link, main b');
  for (const e of foreign) found.push(`foreign element ${e.outerHTML.slice(0, 60)}`);
  if (document.scripts.length !== 2) found.push(`${document.scripts.length} scripts`);
  if (document.querySelectorAll('style').length !== 1) found.push('styles');
  for (const e of document.querySelectorAll('*')) {
    for (const a of e.attributes) {
      if (a.name.startsWith('on')) found.push(`attribute ${a.name}`);
      if (['href', 'src', 'action'].includes(a.name) && !/^(#|https:)/.test(a.value)) found.push(`${a.name}=${a.value.slice(0, 40)}`);
    }
  }
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    if (node.parentElement.closest('script, style')) continue;
    const bare = node.textContent.match(/[\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u200b-\\u200f\\u2028-\\u202e\\u2066-\\u2069\\ufeff\\ue000-\\uf8ff]|[\\u{e0000}-\\u{e007f}]/u);
    if (bare) found.push(`unseen U+${bare[0].codePointAt(0).toString(16)} in ${node.parentElement.outerHTML.slice(0, 80)}`);
  }
  return [...new Set(found)].slice(0, 8);
}"""
# The sentence of each row of the table, with what is shown in place of unseen characters put back.
STATEMENTS = """() => JSON.stringify([...document.querySelectorAll('#rows tr.row')].map((row) => {
  const p = row.querySelector('th p').cloneNode(true);
  for (const chip of p.querySelectorAll('.unseen')) chip.replaceWith(String.fromCodePoint(parseInt(chip.title.slice(2), 16)));
  return p.textContent;
}))"""


@pytest.fixture(scope="module", params=PAYLOADS)
def hostile(request, page_of):
    """A page with one payload, and its rows."""
    return written(page_of, PAYLOADS[request.param])


def written(page_of, payload, **cases):
    rows = hostile_rows(payload, **cases)
    return page_of(rows, **hostile_header(payload)), rows


def whole(text):
    return re.sub("[\ud800-\udfff]", "\ufffd", text)


def faults(browser, path, rows):
    """What is wrong with a report of hostile rows; empty if all are drawn, as themselves, and nothing else happened."""
    found = []
    with opened(browser, path) as shown:
        page = shown.page
        if page.locator("#rows").count() == 0:
            return ["blank", *shown.complaints()]
        subjects = list(dict.fromkeys(j.row["subject"] for j in rows))
        links = page.eval_on_selector_all("#rows nav a", "all => all.map((a) => a.getAttribute('href'))")
        if len(links) != len(subjects):
            found.append(f"{len(links)} subjects of {len(subjects)}")
        drawn, claims = [], []
        for link in links:
            visit(page, link)
            while page.locator("#rows > section > button:visible").count():
                page.locator("#rows > section > button:visible").click()
            drawn += json.loads(page.evaluate(STATEMENTS))
            claims += page.eval_on_selector_all("#rows tr.row th a", "all => all.map((a) => a.getAttribute('href'))")
            found += page.evaluate(FAULTS)
        # Half a surrogate pair is no text: it may be shown as what it is, or as the sign for what cannot be shown.
        if sorted(map(whole, drawn)) != sorted(whole(j.row["statement"]) for j in rows):
            found.append(f"{len(drawn)} of {len(rows)} sentences drawn, or not as themselves")
        for link in ["#/run", *list(dict.fromkeys(claims))[-12:]]:
            visit(page, link)
            page.evaluate("() => document.querySelectorAll('details').forEach((d) => { d.open = true; })")
            page.evaluate(
                "() => document.querySelectorAll('*').forEach((e) => e.dispatchEvent(new MouseEvent('mouseover')))"
            )
            found += page.evaluate(FAULTS)
        return [*dict.fromkeys(found), *shown.complaints()]


def test_hostile_text_is_only_text(browser, hostile):
    path, rows = hostile
    assert len(rows) > 120
    assert faults(browser, path, rows) == []


def test_hostile_text_is_only_text_where_the_script_does_not_run(browser, hostile, tmp_path):
    head, _, tail = hostile[0].read_text("utf-8").rpartition("<script>")
    path = tmp_path / "static.html"
    path.write_text(head + tail.partition("</script>")[2], "utf-8")
    with opened(browser, path) as shown:
        assert [f for f in shown.page.evaluate(FAULTS) if f != "1 scripts"] == []
        assert shown.page.locator("footer").is_visible()
        assert shown.complaints() == []


def raw_json(monkeypatch):
    monkeypatch.setattr(trusted, "encode", json.dumps)


def escaped_end_tags(monkeypatch):
    monkeypatch.setattr(trusted, "encode", lambda value: json.dumps(value).replace("</", "<\\/"))


def inner_html(monkeypatch):
    whole = page_module._script()
    assert "node.append(...shown(String(child)))" in whole
    mutated = whole.replace("node.append(...shown(String(child)))", "node.innerHTML += String(child)")
    monkeypatch.setattr(page_module, "_script", lambda: mutated)


def no_autoescape(monkeypatch):
    loose = page_module._environment().overlay(autoescape=False)
    monkeypatch.setattr(page_module, "_environment", lambda: loose)


@pytest.mark.parametrize(
    ("mutant", "name"),
    [
        (raw_json, "end tag"),
        (raw_json, "comment"),
        (escaped_end_tags, "comment"),
        (inner_html, "image"),
        (inner_html, "svg"),
        (inner_html, "entity"),
        (no_autoescape, "image"),
        (no_autoescape, "title"),
    ],
)
def test_a_bad_renderer_is_found(browser, page_of, monkeypatch, mutant, name):
    mutant(monkeypatch)
    assert faults(browser, *written(page_of, PAYLOADS[name], cases=("paper.again",)))
