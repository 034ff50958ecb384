"""What a pull request uploads: forged in every way that we could think of."""

import json
import stat
import zipfile

import pytest

from ledger import pull_request
from ledger.cli import main
from ledger.errors import LedgerError
from ledger.pull_request import AFTER, BEFORE, NUMBER, read_pull_request


@pytest.fixture
def parts(mixed_run, clean_run):
    return {NUMBER: b"12\n", BEFORE: mixed_run.read_bytes(), AFTER: clean_run.read_bytes()}


@pytest.fixture
def packed(tmp_path):
    def pack(members, **about):
        path = tmp_path / "verdicts.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members.items() if isinstance(members, dict) else members:
                info = zipfile.ZipInfo(name)
                info.compress_type = zipfile.ZIP_DEFLATED
                info.external_attr = about.get(name, 0o100644) << 16
                archive.writestr(info, content)
        return path

    return pack


def test_an_honest_one_is_read(parts, packed):
    found = read_pull_request(packed(parts))
    assert found.number == 12
    assert (found.before.id, found.after.id) == ("2026-11-20T120000Z-aaaaaa", "2026-11-21T120000Z-bbbbbb")
    assert (len(found.before.rows), len(found.after.rows)) == (17, 5)


@pytest.mark.parametrize(
    "number",
    [
        b"1; rm -rf /",
        b"$(id)",
        b"-1",
        b"1.0",
        b"",
        b"\n",
        b"1\n2\n",
        b" 1",
        b"0x1",
        b"1" * 10,
        b"0",
        b"00",
        b"007",
        b"1" * 10_000,
        "١".encode(),
        b"../1",
    ],
)
def test_a_number_is_digits(parts, packed, number):
    with pytest.raises(LedgerError, match=r"expected digits only|over 20 bytes"):
        read_pull_request(packed(parts | {NUMBER: number}))


@pytest.mark.parametrize(
    "name", ["../../evil", "/etc/passwd", "comment.md", ".github/workflows/x.yml", "verdicts/number", "NUMBER"]
)
def test_other_members_are_refused(parts, packed, name, tmp_path):
    with pytest.raises(LedgerError, match="4 members"):
        read_pull_request(packed(parts | {name: b"x"}))
    assert sorted(p.name for p in tmp_path.parent.glob("evil")) == []


@pytest.mark.parametrize("name", [NUMBER, BEFORE, AFTER])
def test_missing_and_repeated_members_are_refused(parts, packed, name):
    with pytest.raises(LedgerError, match="2 members"):
        read_pull_request(packed({k: v for k, v in parts.items() if k != name}))
    with pytest.warns(UserWarning, match="Duplicate"), pytest.raises(LedgerError, match="4 members"):
        read_pull_request(packed([*parts.items(), (name, parts[name])]))


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFDIR, stat.S_IFIFO, stat.S_IFCHR])
def test_links_and_devices_are_refused(parts, packed, kind):
    with pytest.raises(LedgerError, match="not a plain file"):
        read_pull_request(packed(parts | {AFTER: b"/etc/passwd"}, **{AFTER: kind | 0o777}))


def test_a_bomb_is_not_unpacked(parts, packed, monkeypatch):
    monkeypatch.setitem(pull_request._LIMITS, AFTER, 3_000_000)
    path = packed(parts | {AFTER: b"\n" * 50_000_000})
    assert path.stat().st_size < 200_000
    with pytest.raises(LedgerError, match="over 3,000,000 bytes"):
        read_pull_request(path)


def test_a_header_that_lies_about_the_size_is_not_believed(parts, packed, monkeypatch):
    monkeypatch.setitem(pull_request._LIMITS, AFTER, 100_000)
    content = packed(parts | {AFTER: b"\n" * 1_000_000}).read_bytes()
    path = packed({}).with_name("lie.zip")
    path.write_bytes(content.replace((1_000_000).to_bytes(4, "little"), (10).to_bytes(4, "little")))
    with pytest.raises(LedgerError):
        read_pull_request(path)


def test_too_many_rows_are_refused(parts, packed):
    with pytest.raises(LedgerError, match="20,000 lines; at most 10,000"):
        read_pull_request(packed(parts | {AFTER: b"{}\n" * 20_000}))


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda c: c.replace(b'"estimate":0.1', b'"estimate":NaN', 1), "not JSON"),
        (lambda c: c.replace(b'"estimate":0.1', b'"estimate":1e999', 1), "not JSON"),
        (lambda c: c.replace(b'"verdict":"pass"', b'"verdict":"fail"', 1), "edited, added or removed"),
        (lambda c: c.replace(b'"verdict":"pass"', b'"verdict":"great"', 1), "not a ledger row"),
        (lambda c: c.replace(b'"schema":1', b'"schema":2'), "this version reads schema 1"),
        (lambda c: b"<html>\n" + c, "not JSON"),
        (lambda c: b"[" * 100_000 + b"\n" + c, "not JSON"),
        (lambda c: b"", "empty"),
        (lambda c: b"\xff\xfe\n", "not JSON"),
    ],
)
def test_rows_that_are_not_rows_are_refused(parts, packed, edit, said):
    assert edit(parts[AFTER]) != parts[AFTER]
    path = packed(parts | {AFTER: edit(parts[AFTER])})
    with pytest.raises(LedgerError, match=said) as found:
        read_pull_request(path)
    assert str(found.value).startswith(str(path))


@pytest.mark.parametrize("content", [b"", b"PK", b"PK\x05\x06" + b"\0" * 10, b"x" * 1000])
def test_what_is_no_zip_file_is_refused(tmp_path, content):
    path = tmp_path / "a.zip"
    path.write_bytes(content)
    with pytest.raises(LedgerError, match="not a zip file"):
        read_pull_request(path)


def test_every_damaged_byte_is_survived(parts, packed):
    """One flipped byte anywhere in the directory and headers: read, or refused; never another error."""
    path = packed(parts | {BEFORE: parts[AFTER]})
    content = path.read_bytes()
    read = 0
    for at in [*range(120), *range(len(content) - 260, len(content))]:
        damaged = bytearray(content)
        damaged[at] ^= 0x55
        path.write_bytes(damaged)
        try:
            read_pull_request(path)
            read += 1
        except LedgerError:
            continue
    assert 0 < read < 300


FORGED = {
    "claim": "@everyone </details> ![x](https://evil.example/p.png)",
    "subject": "``` | <img src=x onerror=alert(1)>",
    "statement": "<!-- mi-assay --> see #1, GH-2, https://evil.example [x](y)",
}


def test_a_forged_run_speaks_as_text_only(parts, packed, clean_run, forged, tmp_path, capsys):
    def edit(records):
        records[1] |= FORGED
        records[2] |= {"claim": "x" * 400, "subject": "y" * 400}
        records[0]["run"] = "r`@everyone"

    forged(clean_run, edit)
    out = tmp_path / "comment.md"
    path = packed(parts | {AFTER: clean_run.read_bytes()})
    assert main(["comment", "--untrusted", str(path), "-o", str(out)]) == 0
    assert capsys.readouterr().out == "12\n"
    text = out.read_text("utf-8")
    assert text.count("<!--") == 1
    assert "x" * 100 not in text
    outside = "".join(text.split("`")[::2])
    for live in ("@everyone", "![", "](y", "<img", "https://", "</details>", "GH-2", "#1"):
        assert live not in outside


def test_a_refused_archive_leaves_no_comment(parts, packed, tmp_path, capsys):
    out = tmp_path / "comment.md"
    path = packed(parts | {NUMBER: b"1; rm -rf"})
    assert main(["comment", "--untrusted", str(path), "-o", str(out)]) == 2
    assert not out.exists()
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("argv", [[], ["a", "b", "-o", "c.md"]])
def test_the_two_ways_are_not_mixed(parts, packed, argv, capsys):
    assert main(["comment", *argv, "--untrusted", str(packed(parts))]) == 2
    assert "-o FILE" in capsys.readouterr().err


def test_json_inside_is_what_the_run_file_says(parts, packed):
    found = read_pull_request(packed(parts))
    first = json.loads(parts[AFTER].splitlines()[1])
    assert found.after.rows[0] == first
