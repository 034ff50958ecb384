"""``python -m ledger budget``: what was spent, what nobody knows yet, and settling it."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ledger.budget import FILE
from ledger.cli import main
from runners.money.budget import VARIABLE
from runners.money.spending import JOURNAL, Journal

ROOT = Path(__file__).resolve().parents[2]
HOSTILE = "\x1b[2J\u202eevil\nlines"


def lines(
    key, *, usd=None, how="built", hours=3, label="train a coder", gpu="A10", build="mi.coders.train:train", **more
):
    """A start, and its end if it has cost something."""
    began = datetime.now(UTC) - timedelta(hours=hours)
    start = {"record": "start", "key": key, "session": "s1", "engine": "modal", "recipe": key * 4, "label": label}
    start |= {"build": build, "gpu": gpu, "usd_per_second": 0.0004, "estimate_usd": 0.5, "worst_usd": 2.0, **more}
    yield {**start, "when": f"{began:%Y-%m-%dT%H:%M:%SZ}"}
    if usd is not None:
        ended = f"{began + timedelta(minutes=20):%Y-%m-%dT%H:%M:%SZ}"
        yield {"record": "end", "key": key, "usd": usd, "seconds": 1200.0, "how": how, "when": ended}


@pytest.fixture
def write(tmp_path):
    def write(*records):
        path = tmp_path / FILE
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(json.dumps(r) + "\n" for group in records for r in group))
        return path

    return write


@pytest.fixture
def journal(write):
    return write(
        lines("aaaa1111", usd=0.4),
        lines("bbbb2222", usd=1.1, hours=2, gpu="H100", build="mi.activations.harvest:harvest", label="harvest"),
        lines("cccc3333", usd=0.2, how="lost", hours=1),
        lines("dddd4444", label="train another coder"),
        lines("dddd5555", gpu=None, worst_usd=0.25, estimate_usd=0.1),
    )


@pytest.fixture
def budget(tmp_path, capsys, monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv("COLUMNS", "80")

    def run(*argv):
        status = main(["--root", str(tmp_path), "budget", *argv])
        return status, *capsys.readouterr()

    return run


def test_both_sides_mean_the_same_file():
    assert FILE == JOURNAL


def test_nothing_was_spent_yet(budget, tmp_path):
    status, out, err = budget()
    assert (status, err) == (0, "")
    assert "spent        $0.00" in out
    assert "left        $30.00" in out
    assert not (tmp_path / ".ledger").exists()


def test_what_it_shows(budget, journal):
    status, out, err = budget()
    assert (status, err) == (0, "")
    assert "spent        $1.70" in out
    assert "open         $2.25  2 starts without an end" in out
    assert "left        $26.05" in out
    assert "started 3 h ago, expected $0.50, at worst $2.00" in out
    assert "budget --settle dddd4444=USD" in out
    assert "modal A10                                2       $1.00       $0.60        0.60" in out
    assert "mi.activations.harvest:harvest           1       $0.50       $1.10        2.20" in out
    assert out.index("20 min  $0.20  lost") < out.index("$1.10  built") < out.index("$0.40  built")
    assert max(map(len, out.splitlines())) <= 80


def test_ten_builds_are_the_last_ones(budget, write):
    write(*(lines(f"{k:08d}", usd=0.01 * k, hours=20 - k, label=f"n{k:02d}") for k in range(1, 15)))
    out = budget()[1]
    assert "last 10 of 14" in out
    assert [f"n{k:02d}" in out for k in (4, 5, 14)] == [False, True, True]


def test_the_cap_is_what_was_said(budget, journal, monkeypatch):
    monkeypatch.setenv(VARIABLE, "12")
    assert "cap         $12.00" in budget()[1]
    out = budget("--budget", "3")[1]
    assert "cap          $3.00" in out
    assert "over the cap by $0.95" in out
    status, _, err = budget("--budget", "lots")
    assert (status, err.count("\n")) == (2, 1)
    assert "--budget is 'lots'" in err


def test_json_has_everything(budget, journal):
    status, out, _ = budget("--format", "json")
    found = json.loads(out)
    assert status == 0
    assert (found["cap_usd"], round(found["spent_usd"], 9), found["open_worst_usd"]) == (30, 1.7, 2.25)
    assert found["left_usd"] == pytest.approx(26.05)
    assert [e["key"] for e in found["open"]] == ["dddd4444", "dddd5555"]
    assert {g["name"]: g["builds"] for g in found["engines"]} == {"modal A10": 2, "modal H100": 1}
    assert [e["how"] for e in found["last"]] == ["built", "built", "lost"]


def test_a_killed_start_is_settled_with_what_it_has_cost(budget, journal):
    status, out, err = budget("--settle", "dddd4444=0.75", "--settle", "dddd5=$0")
    assert (status, err) == (0, "")
    assert "spent        $2.45" in out
    assert "open         $0.00  0 starts" in out
    assert "$0.75  settled" in out
    assert Journal(journal).spent() == pytest.approx(2.45)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("zzzz=1", "no start has this key; open are: dddd4444, dddd5555"),
        ("dddd=1", "2 starts have a key that begins so"),
        ("aaaa1111=1", "it ended at $0.40 (built), and what is written stays"),
        ("dddd4444", "expected a key and what it has cost"),
        ("dddd4444=much", "expected a key and what it has cost"),
        ("dddd4444=-1", "expected a key and what it has cost"),
        ("dddd4444=nan", "expected a key and what it has cost"),
        ("=1", "expected a key and what it has cost"),
    ],
)
def test_what_cannot_be_settled_changes_nothing(budget, journal, said, words):
    before = journal.read_bytes()
    status, out, err = budget("--settle", "dddd5555=0.1", "--settle", said)
    assert (status, out) == (2, "")
    assert err.startswith("ledger: --settle ")
    assert words in err
    assert journal.read_bytes() == before


def test_the_first_of_two_figures_counts(budget, journal):
    status, _, err = budget("--settle", "dddd4444=1", "--settle", "dddd4444=2")
    assert (status, "it has ended meanwhile" in err) == (2, True)
    assert Journal(journal).spent() == pytest.approx(2.7)


def test_a_broken_journal_is_one_line(budget, journal):
    journal.write_text("{}\n" + journal.read_text())
    status, out, err = budget()
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "spending.jsonl:1: no record of spending" in err


def test_text_of_others_is_shown_harmlessly(budget, write):
    write(
        lines("aaaa", usd=1, label=HOSTILE, build=HOSTILE, gpu=HOSTILE, engine=HOSTILE),
        lines("bb\x1b[2J", label=HOSTILE),
    )
    out = budget()[1]
    assert not set("\x1b\u202e") & set(out)
    assert max(map(len, out.splitlines())) <= 80


def test_long_names_stay_within_80_columns(budget, write):
    long = {"label": "x" * 200, "build": f"{'y' * 200}:z", "engine": "e" * 50}
    write(lines("aaaa", usd=12345.678, **long), lines("b" * 16, **long))
    found = [line for line in budget()[1].splitlines() if "--settle" not in line]
    assert max(map(len, found)) <= 80


def test_it_starts_without_anything_heavy(journal, tmp_path):
    code = (
        "import sys; from ledger.cli import main; status = main(sys.argv[1:])\n"
        "heavy = {'numpy', 'yaml', 'pytest', 'torch', 'tqdm', 'jsonschema'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else status)"
    )
    argv = [sys.executable, "-c", code, "--root", str(tmp_path), "budget"]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
