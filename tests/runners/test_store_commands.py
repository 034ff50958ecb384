"""``python -m runners``."""

import json
import os
import re
import subprocess
import sys

import pytest
from toy_builders import toy

from runners.cli import main
from runners.store import Store


@pytest.fixture
def filled(bench):
    """Two coders from one text, built by a process that is gone."""
    code = """
        texts = toy("write", text="a", label="texts")
        for size in (100, 200):
            build(toy("big", name="c", size=size, inputs={"below": texts}, label=f"coder {size}"), store)
        build(toy("only_facts", value={"a": {"b": 1, "c": [1, 2]}}), store)
    """
    bench.python(code).communicate(timeout=120)
    bench.coder = toy("big", name="c", size=100, inputs={"below": toy("write", text="a")})
    bench.texts = toy("write", text="a")
    return bench


@pytest.fixture
def cli(filled, capsys):
    def run(*args):
        status = main(["--store", str(filled.store.root), *args])
        out, err = capsys.readouterr()
        return status, out, err

    return run


def test_ls(cli, filled):
    os.utime(filled.store.home(filled.coder.digest), (1, 1))
    status, out, _ = cli("ls")
    lines = out.splitlines()
    assert status == 0
    assert lines[0].split() == ["DIGEST", "LABEL", "BUILDER", "SIZE", "AGE", "USED", "BUILT", "IN"]
    assert filled.coder.digest[:12] in lines[-2]
    assert "coder 100" in lines[-2]
    assert "toy_builders:big" in lines[-2]
    assert "100 B" in lines[-2]
    assert lines[-1] == f"4 artifacts, 10.5 kB of 20.0 GB in {filled.store.root}"


def test_ls_as_json(cli):
    status, out, _ = cli("ls", "--format", "json")
    assert status == 0
    assert {e["label"] for e in json.loads(out)} == {"texts", "coder 100", "coder 200", ""}


def test_ls_shows_what_is_damaged(cli, filled):
    (filled.store.home(filled.coder.digest) / "manifest.json").write_text("")
    status, out, _ = cli("ls")
    assert status == 0
    assert "(damaged)" in out
    assert {"digest": filled.coder.digest, "damaged": True}.items() <= json.loads(cli("ls", "--format", "json")[1])[
        -1
    ].items() or any(e.get("damaged") for e in json.loads(cli("ls", "--format", "json")[1]))


def test_why_shows_the_derivation_and_the_difference(cli, filled):
    status, out, _ = cli("why", filled.coder.digest[:8])
    assert status == 0
    lines = [line.strip() for line in out.splitlines()]
    assert lines[0] == f"coder 100  {filled.coder.digest[:12]}"
    assert lines[1] == "toy_builders:big  version 1"
    assert re.match(r"built [\d.]+ (s|min) ago in [\d.]+ s by ", lines[2])
    assert "by inline on cpu, 100 B in 1 file" in lines[2]
    assert "size = 100" in lines
    assert f"below: texts  {filled.texts.digest[:12]}" in lines
    assert "text = 'a'" in lines
    other = toy("big", name="c", size=200, inputs={"below": filled.texts})
    assert lines[-2:] == [
        f"nearest relative: coder 200  {other.digest[:12]}, which has",
        "size = 200  (here 100)",
    ]


def test_why_by_label_and_without_relatives(cli):
    status, out, _ = cli("why", "texts")
    assert status == 0
    assert out.splitlines()[-1] == "nothing else in the store was built by toy_builders:write"
    facts = toy("only_facts", value={"a": {"b": 1, "c": [1, 2]}})
    assert "value.a.c = [1, 2]" in cli("why", facts.digest)[1]


def test_why_says_what_is_gone_or_was_built_anew(cli, filled):
    filled.store.drop(filled.texts.digest)
    assert "not in the store" in cli("why", "coder 100")[1]


def test_why_says_if_an_input_is_another_build(bench, capsys):
    below = toy("undecided")
    top = toy("strict", text="x", inputs={"below": below})
    bench.build(top)
    bench.store.drop(below.digest)
    bench.build(below)
    assert main(["--store", str(bench.store.root), "why", top.digest]) == 0
    assert "from another build of below than the one in the store" in capsys.readouterr().out


def test_unknown_and_ambiguous_names(cli):
    status, out, err = cli("why", "no such thing")
    assert (status, out) == (2, "")
    assert "no artifact 'no such thing': expected a label or the beginning of a digest" in err
    status, _, err = cli("why", "")
    assert status == 2
    assert "could be" in err


@pytest.mark.parametrize(
    ("args", "left", "says"),
    [
        (("--all",), 0, "removed 4 artifacts, 10.5 kB; 0 B left"),
        (("--all", "--dry-run"), 4, "would remove 4 artifacts, 10.5 kB; 0 B left"),
        (("--older", "30d"), 3, "removed 1 artifacts"),
        (("--cap", "250B"), 2, "removed 2 artifacts"),
        ((), 4, "removed 0 artifacts"),
    ],
)
def test_gc(cli, filled, args, left, says):
    os.utime(filled.store.home(filled.texts.digest), (1, 1))
    status, out, _ = cli("gc", *args)
    assert status == 0
    assert says in out
    assert len(list(filled.store.entries())) == left


def test_gc_clears_away_what_killed_builds_left(cli, filled):
    filled.python("build(toy('die'), store)").communicate(timeout=120)
    assert filled.leftovers()
    cli("gc")
    assert not filled.leftovers()


@pytest.mark.parametrize("args", [("--cap", "much"), ("--older", "long")])
def test_gc_with_nonsense(cli, args):
    status, _, err = cli("gc", *args)
    assert status == 2
    assert "such as" in err


def test_gc_leaves_what_is_in_use(cli, filled):
    reader = Store(filled.store.root)
    reader.find(filled.coder)
    status, out, _ = cli("gc", "--all")
    assert status == 0
    assert out.splitlines()[-1] == "removed 3 artifacts, 10.4 kB; 100 B left; 1 in use stay"


def test_verify(cli, filled):
    assert cli("verify") == (0, "4 artifacts verified, 0 damaged\n", "")
    path = filled.store.folder(filled.coder.digest) / "data.bin"
    before = path.stat()
    path.write_bytes(b"\0" * 99 + b"\1")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    status, out, _ = cli("verify")
    assert status == 1
    assert f"{filled.coder.digest[:12]}  coder 100: data.bin has been altered: its sha256 is another\n" in out
    assert cli("verify", "texts")[0] == 0
    assert cli("verify", "coder 100")[0] == 1
    status, out, _ = cli("verify", "--delete")
    assert status == 1
    assert "(removed)" in out
    assert cli("verify") == (0, "3 artifacts verified, 0 damaged\n", "")


def test_verify_is_no_use(cli, filled):
    home = filled.store.home(filled.coder.digest)
    os.utime(home, (1, 1))
    cli("verify")
    cli("ls")
    cli("why", "coder 100")
    assert home.stat().st_mtime == 1


def test_no_store(tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("MI_ASSAY_STORE", raising=False)
    monkeypatch.chdir(tmp_path)
    assert main(["ls"]) == 2
    assert "there is no store at" in capsys.readouterr().err


def test_the_store_is_found_from_below(filled, tmp_path, capsys, monkeypatch):
    filled.store.root.rename(filled.folder / ".store")
    (filled.folder / "a" / "b").mkdir(parents=True)
    monkeypatch.chdir(filled.folder / "a" / "b")
    assert main(["ls"]) == 0
    assert "4 artifacts" in capsys.readouterr().out
    monkeypatch.setenv("MI_ASSAY_STORE", str(tmp_path / "other"))
    assert main(["ls"]) == 2


def test_as_a_module(filled):
    assert filled.cli("ls").returncode == 0
    assert filled.cli("verify", "nothing").returncode == 2
    done = filled.cli()
    assert done.returncode == 2
    assert "usage: python -m runners" in done.stderr
    piped = subprocess.run(
        f"{sys.executable} -m runners --store {filled.store.root} ls | true", shell=True, capture_output=True, text=True
    )
    assert "Traceback" not in piped.stderr
