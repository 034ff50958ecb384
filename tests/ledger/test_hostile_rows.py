"""Rows that nobody of ours wrote: shown harmlessly, or refused in one line."""

import copy
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from ledger import comment, diff, markdown, summary
from ledger.cli import main
from ledger.comment import MARKER, render_comment
from ledger.diff import changes, diff_markdown, diff_text
from ledger.markdown import verdict_table
from ledger.row import problem_with
from ledger.run import Run, read_run
from ledger.show import show_text
from ledger.summary import render_summary
from ledger.terminal import Style, verdict_lines
from ledger.text import clean

HEAD = {"run": "r", "git": {"commit": "4f1c", "dirty": False}}
PAYLOADS = {
    "escape": "\x1b[2J\x1b]0;title\x07x",
    "C1": "\x9b31mx",
    "bidi": "\u202egpj.exe",
    "zero width": "a\u200bb\u2066c",
    "lines": "a\r\n\n# b\n| c |\u2028d",
    "surrogate": "\ud800",
    "html": "<img src=x onerror=alert(1)><script>x</script>",
    "comment": "<!--<script> verdicts:end -->",
    "link": "[x](https://evil.example/?q=1) ![](//evil.example/pixel)",
    "url": "https://evil.example www.evil.example",
    "mention": "@everyone #123 GH-123",
    "table": "a | b ` c",
    "fence": "```\n</details></summary></table>",
    "long": "@" * 400,
}
OURS = re.compile(
    r"^<details( open)?><summary>|</summary>$|^</details>$|^> \[!CAUTION\]$|</?sub>|^#+ |\*\*", re.MULTILINE
)
UNSAFE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff]")
LIVE = re.compile(r"<(?!br>)|[@#]\w|\]\(|!\[|https?:/|www\.|(?<!`python -m) \|\|")


def strings_of(value, path=()):
    """Paths to every text inside a row."""
    if isinstance(value, str):
        yield path
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from strings_of(inner, (*path, key))


def with_text(row, path, text):
    changed = copy.deepcopy(row)
    at = changed
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = text
    return changed


@pytest.fixture(scope="module")
def rich(mixed, claim):
    """Rows that between them have every field filled."""
    about = {
        "reported": {"verdict": "pass", "words": "w", "value": 0.1},
        "source": {"title": "t", "url": "u"},
        "section": "s",
        "expected_why": "why",
        "supersedes": "paper.x",
        "controls": [{"id": "paper.c", "required": True}],
        "promise_changed": {"run": "r0", "keys": {"statement": ["x", "y"]}},
        "params": {"k": "v"},
        "artifacts": ["digest"],
        "run": "r1",
        "device": "cpu",
        "git": "4f1c",
        "lock": "1a2b",
    }
    return [
        {**j.row, **about}
        for j in mixed
        if j.row["claim"] in ("paper.drifts", "paper.strays", "paper.chosen", "paper.broken", "paper.head-a")
    ]


def hostile(rich, payload):
    """Each row once per text field, with the payload there; those that no reader takes are left out."""
    for row in rich:
        for path in strings_of(row):
            changed = with_text(row, path, payload)
            if path != ("record",) and problem_with(changed) is None:
                yield path, changed
    for row in rich:
        yield ("params", payload), {**row, "params": {payload: 1}}


@pytest.mark.parametrize("name", PAYLOADS)
def test_terminals_get_no_control_characters(rich, name):
    tried = 0
    for path, row in hostile(rich, PAYLOADS[name]):
        for width in (60, 80, 200):
            for line, _ in verdict_lines([row], Style(width)):
                assert not UNSAFE.search(line), path
                assert "\n" not in line, path
        assert not UNSAFE.search(diff_text(changes([], [row]) + changes([rich[0]], [row]))), path
        tried += 1
    assert tried > 100


@pytest.mark.parametrize("name", PAYLOADS)
def test_markdown_gets_nothing_that_acts(rich, name):
    for path, row in hostile(rich, PAYLOADS[name]):
        for text in (
            verdict_table([row]),
            diff_markdown(changes([rich[0]], [row])),
            render_summary([row], {"run": PAYLOADS[name]}),
            render_comment(Run(Path("a"), HEAD, [rich[0]]), Run(Path("b"), HEAD | {"run": PAYLOADS[name]}, [row])),
        ):
            outside_code = re.sub(r"`[^`\n]*`", "", text)
            outside_code = re.sub(r"&#\d+;", "", OURS.sub("", outside_code.removeprefix(MARKER)))
            assert not LIVE.search(outside_code), (path, LIVE.search(outside_code))
            assert not UNSAFE.search(text), path
            assert text.count("`") % 2 == 0, path
            lines = [line.count(" | ") for line in text.splitlines() if line.startswith("| ")]
            assert len(set(lines)) <= 1, path


class Reader(HTMLParser):
    """Elements, and text outside code, of a rendered page."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.text, self.open, self.cells = set(), "", [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add((tag, *(name for name, _ in attrs)))
        if tag != "br":
            self.open.append(tag)
        if tag == "tr":
            self.cells.append(0)
        elif tag in ("td", "th"):
            self.cells[-1] += 1

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.tags.add(("a stray end of", tag))

    def handle_comment(self, data):
        if data != MARKER[4:-3]:
            self.tags.add(("a comment",))

    def handle_data(self, data):
        self.text += "" if "code" in self.open else data


PLAIN = {
    *[
        "h3",
        "h4",
        "p",
        "strong",
        "code",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "br",
        "details",
        "summary",
        "ul",
        "li",
        "blockquote",
        "sub",
    ]
}


def acting(text):
    """What a reader of CommonMark with tables would make of ``text`` that is not ours; nothing where it is harmless."""
    page = Reader(MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(text))
    found = page.tags - {(tag,) for tag in PLAIN} - {("details", "open")}
    if len(set(page.cells)) > 1 or page.open:
        found.add("a broken table")
    return found | set(re.findall(r"[@#]\w|GH-\d", page.text))


def each_field_twice(rich, payload):
    """Once in a row that wants a person and differs from ``rich[0]`` in this alone, once in one that nobody needs to look at."""
    yield from hostile([rich[0], *(r for r in rich if r["reason"])], payload)
    yield from hostile([{**rich[-1], "controls": [], "supersedes": None}], payload)


def surfaces(old, row, name):
    after = Run(Path("b"), HEAD | {"run": PAYLOADS[name]}, [row])
    yield markdown.verdict_table([row])
    yield diff.diff_markdown(changes([old], [row]))
    yield summary.render_summary([row], HEAD | {"run": PAYLOADS[name]})
    yield comment.render_comment(Run(Path("a"), HEAD, [old]), after, stranger=True)


@pytest.mark.parametrize("name", PAYLOADS)
def test_rendered_markdown_holds_our_elements_only(rich, name):
    """Every text field of a row, on every surface, as it looks when rendered."""
    for path, row in each_field_twice(rich, PAYLOADS[name]):
        for text in surfaces(rich[0], row, name):
            assert acting(text) == set(), path


@pytest.mark.parametrize("name", ["html", "comment", "mention", "fence"])
@pytest.mark.parametrize("careless", [markdown, diff, summary, comment], ids=lambda module: module.__name__)
def test_a_surface_that_does_not_escape_is_found(rich, monkeypatch, careless, name):
    monkeypatch.setattr(careless, "escape", clean)
    rows = each_field_twice(rich, PAYLOADS[name])
    assert any(acting(text) for _, row in rows for text in surfaces(rich[0], row, name))


def test_the_matrix_can_fail():
    """The checks above see what a careless renderer would print."""
    assert all(UNSAFE.search(PAYLOADS[n]) for n in ("escape", "C1", "bidi", "zero width", "lines", "surrogate"))
    assert all(LIVE.search(PAYLOADS[n]) for n in ("html", "comment", "link", "url", "mention"))


@pytest.mark.parametrize("name", PAYLOADS)
def test_one_row_in_full_is_plain_text(rich, write_run, tmp_path, name):
    for i, (path, row) in enumerate(hostile(rich[:2], PAYLOADS[name])):
        row = {**row, "index": 0}
        file = write_run(tmp_path / str(i), "r1", [(row, None)])
        run = read_run(file)
        assert not UNSAFE.search(show_text(run, row["claim"], None).replace("\n", "")), path


GARBAGE = (None, "x", -1, True, [[]], [{"id": "a"}], {"x": 1}, {"keys": 3, "run": "r"})


@pytest.mark.parametrize(
    "command",
    [
        ("table",),
        ("table", "--format", "md"),
        ("show", "paper.drifts"),
        ("gate",),
        ("verify",),
        ("diff", "a.jsonl", "a.jsonl"),
        ("comment", "a.jsonl", "b.jsonl"),
        ("badge", "-o", "a.svg"),
    ],
    ids=" ".join,
)
def test_garbage_in_any_field_is_shown_or_refused_in_one_line(rich, chained, tmp_path, monkeypatch, capsys, command):
    monkeypatch.chdir(tmp_path)
    header = {"record": "run", "run": "a", "git": {}, "schema": 1}
    named = command if "a.jsonl" in command else (*command, "a.jsonl")
    (tmp_path / "b.jsonl").write_bytes(chained([header, rich[2]]))
    refused = 0
    for row, key, garbage in ((r, k, g) for r in rich[:2] for k in r for g in GARBAGE):
        changed = {**row, key: garbage}
        if refused > 20 and problem_with(changed):
            continue
        (tmp_path / "a.jsonl").write_bytes(chained([header, changed]))
        status = main(named)
        err = capsys.readouterr().err
        assert status in (0, 1, 2), (key, garbage)
        assert status != 2 or all(line.startswith("ledger: ") for line in err.splitlines())
        refused += status == 2
    assert refused > 20


@pytest.mark.parametrize(
    "header",
    [
        {"run": "\x1b[2Jx"},
        {"time": 3},
        {"git": {"commit": ["\x1b"]}},
        {"git": {"commit": {}, "dirty": "x"}},
        {"schema": 9},
    ],
)
def test_hostile_headers(rich, chained, tmp_path, capsys, header):
    path = tmp_path / "a.jsonl"
    path.write_bytes(chained([{"record": "run", "run": "a", "git": {}, "schema": 1, **header}, rich[0]]))
    for command in (("table",), ("gate", "--max-age", "3d"), ("show", "paper.drifts"), ("verify",)):
        assert main([*command, str(path)]) in (0, 1, 2)
        out = capsys.readouterr()
        assert not UNSAFE.search((out.out + out.err).replace("\n", ""))


@pytest.mark.parametrize("name", PAYLOADS)
def test_json_is_ascii_and_exact(rich, chained, tmp_path, capsys, name):
    path = tmp_path / "a.jsonl"
    row = {**rich[0], "statement": PAYLOADS[name]}
    path.write_bytes(chained([{"record": "run", "run": "a", "git": {}}, row]))
    assert main(["table", "--format", "json", str(path)]) == 0
    out = capsys.readouterr().out
    assert out.isascii()
    assert not UNSAFE.search(out.replace("\n", ""))
    assert json.loads(out)[0]["statement"] == PAYLOADS[name]
