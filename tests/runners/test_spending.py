"""The journal of money: nothing is lost, nothing is rewritten, and what nobody knows counts at its worst."""

import json
import multiprocessing
import os

import pytest

from runners.errors import RunnersError
from runners.money.spending import HOW, JOURNAL, Journal, sums
from runners.recipe import Recipe, Resources

PLAIN = Recipe("toy_builders:write", 1, {"text": "token=s3cr3t"}, label="plain")
OTHER = Recipe("toy_builders:write", 1, {"text": "b"}, resources=Resources(gpu="H100"))


@pytest.fixture
def journal(tmp_path):
    return Journal(tmp_path / JOURNAL)


def start(journal, key, recipe=PLAIN, session="s1", gpu="A10", estimate=1.0, worst=4.0):
    usd = {"usd_per_second": 0.001, "estimate_usd": estimate, "worst_usd": worst}
    journal.start(recipe, key=key, session=session, engine="modal", gpu=gpu, **usd)


def end(journal, key, usd=0.5, how="built"):
    return journal.end(key, usd=usd, seconds=500.0, how=how)


def test_nothing_was_spent_before_anything_was_started(journal):
    assert (journal.entries(), journal.spent(), journal.open_worst(), journal.total()) == ([], 0, 0, 0)
    assert not journal.path.parent.exists()


def test_a_start_and_its_end_are_one_entry(journal):
    start(journal, "a")
    (entry,) = journal.entries()
    assert (entry.open, entry.recipe, entry.label, entry.gpu) == (True, PLAIN.digest, "plain", "A10")
    assert end(journal, "a")
    (entry,) = journal.entries()
    assert (entry.open, entry.usd, entry.seconds, entry.how) == (False, 0.5, 500.0, "built")
    assert entry.when <= entry.ended


def test_each_line_holds_these_fields_and_no_more(journal):
    start(journal, "a")
    end(journal, "a")
    first, last = map(json.loads, journal.path.read_text().splitlines())
    who = ["record", "key", "session", "engine", "recipe", "label", "build", "gpu"]
    assert list(first) == [*who, "usd_per_second", "estimate_usd", "worst_usd", "when"]
    assert list(last) == ["record", "key", "usd", "seconds", "how", "when"]
    assert "s3cr3t" not in journal.path.read_text()


def test_open_starts_count_at_their_worst_case(journal):
    start(journal, "a", session="mine")
    start(journal, "b", session="theirs", worst=7.0)
    start(journal, "c", session="theirs")
    end(journal, "c", 0.25)
    assert journal.spent() == 0.25
    assert (journal.open_worst(), journal.open_worst("mine"), journal.open_worst("theirs")) == (11.0, 7.0, 4.0)
    assert (journal.total(), journal.total("theirs")) == (11.25, 4.25)


def test_the_first_end_counts(journal):
    start(journal, "a")
    assert end(journal, "a", 0.5)
    assert not end(journal, "a", 9.0, "settled")
    assert len(journal.path.read_text().splitlines()) == 2
    with journal.path.open("a") as file:  # as another program might
        file.write('{"record":"end","key":"a","usd":9,"seconds":1,"how":"settled","when":"x"}\n')
    assert journal.spent() == 0.5


@pytest.mark.parametrize("how", HOW)
def test_every_kind_of_end_is_paid_for(journal, how):
    start(journal, "a")
    end(journal, "a", 0.5, how)
    assert journal.spent() == 0.5


def test_what_artifacts_have_cost(journal):
    start(journal, "a")
    end(journal, "a", 0.5, "lost")
    start(journal, "b")
    end(journal, "b", 1.5)
    start(journal, "c", OTHER, estimate=2.0)
    end(journal, "c", 3.0)
    assert journal.of([PLAIN.digest]) == (1.0, 2.0)  # planned once, paid twice
    assert journal.of([PLAIN.digest, OTHER.digest]) == (3.0, 5.0)
    assert journal.of(["0" * 64]) == (0, 0)
    start(journal, "d", session="s2")
    assert journal.of([PLAIN.digest]) == (2.0, 2.0)  # another session planned it again
    assert journal.cost([OTHER.digest, "0" * 64]) == {
        "estimated_usd": 2.0,
        "spent_usd": 3.0,
        "builds": {OTHER.digest[:12]: [2.0, 3.0]},
    }
    assert sums(journal.entries()) == (4.0, 5.0)


@pytest.mark.parametrize("cut", [1, 30, 150, -2])
def test_a_torn_last_line_loses_nothing_before_it(journal, cut):
    start(journal, "a")
    whole = journal.path.read_bytes()
    start(journal, "b")
    line = journal.path.read_bytes()[len(whole) :]
    journal.path.write_bytes(whole + line[:cut])
    assert [e.key for e in Journal(journal.path).entries()] == ["a"]
    start(journal, "c")
    assert [e.key for e in Journal(journal.path).entries()] == ["a", "c"]
    assert journal.path.read_bytes().startswith(whole)
    assert len(journal.path.read_bytes().splitlines()) == 2


def test_a_last_line_that_lacks_only_its_end_counts(journal):
    start(journal, "a")
    journal.path.write_bytes(journal.path.read_bytes().rstrip())
    assert [e.key for e in Journal(journal.path).entries()] == ["a"]
    end(journal, "a")
    assert Journal(journal.path).spent() == 0.5


END = {"record": "end", "key": "a", "usd": 1.0, "seconds": 1.0, "how": "built", "when": "w"}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", "Expecting value"),
        ("{", "Expecting property name"),
        ("[]", "expected an object"),
        ('{"record":"row"}', "record is start or end"),
        ('{"record":"start"}', "'key' is missing"),
        (json.dumps({**END, "key": "zz"}), "the end of 'zz', which never started"),
        (json.dumps({**END, "how": "well"}), "how is 'well'"),
        (json.dumps({**END, "usd": -1}), "usd is -1, expected a number from 0 up"),
        (json.dumps({**END, "usd": float("inf")}), "usd is inf"),
        (json.dumps({**END, "usd": True}), "usd is True"),
        (json.dumps({**END, "when": 3}), "when is 3"),
        (json.dumps({**END, "key": {}}), "unhashable"),
        ("FIRST", "a second start of 'a'"),
    ],
)
def test_any_other_broken_line_stops_everything_and_changes_nothing(journal, line, words):
    start(journal, "a")
    first = journal.path.read_text()
    journal.path.write_text(first + (first if line == "FIRST" else f"{line}\n") + json.dumps(END) + "\n")
    before = journal.path.read_bytes()
    for use in (journal.entries, journal.spent, lambda: start(journal, "b"), lambda: end(journal, "a")):
        with pytest.raises(RunnersError, match=rf"spending\.jsonl:2: no record of spending \(.*{words}"):
            use()
    assert journal.path.read_bytes() == before


@pytest.mark.parametrize("usd", [float("nan"), float("inf"), -1.0])
def test_an_amount_that_is_none_is_not_written(journal, usd):
    start(journal, "a")
    before = journal.path.read_bytes()
    with pytest.raises(RunnersError, match=r"usd is .*expected a number from 0 up\. Nothing was written"):
        end(journal, "a", usd)
    with pytest.raises(RunnersError, match="worst_usd is"):
        start(journal, "b", worst=usd)
    assert journal.path.read_bytes() == before


def test_ends_need_a_start_and_starts_a_key_of_their_own(journal):
    start(journal, "a")
    with pytest.raises(RunnersError, match=r"the end of 'b', which never started\. Nothing was written"):
        end(journal, "b")
    with pytest.raises(RunnersError, match="a second start of 'a'"):
        start(journal, "a")
    with pytest.raises(RunnersError, match="how is 'well', expected one of built, "):
        end(journal, "a", how="well")
    assert len(journal.path.read_text().splitlines()) == 1


def test_what_others_write_is_seen(journal):
    other = Journal(journal.path)
    start(journal, "a")
    assert other.open_worst() == 4.0
    end(other, "a")
    assert journal.spent() == 0.5


def test_an_unchanged_file_is_not_read_again(journal, monkeypatch):
    start(journal, "a")
    journal.spent()
    monkeypatch.setattr("pathlib.Path.read_bytes", lambda self: pytest.fail("read again"))
    assert (journal.spent(), journal.open_worst(), len(journal.entries())) == (0, 4.0, 1)


def test_a_record_is_on_the_disk_before_anything_else_happens(journal, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", lambda fd: synced.append(journal.path.read_bytes()))
    start(journal, "a")
    assert synced == [journal.path.read_bytes()]


def test_a_full_disk_takes_a_line_whole_or_not_at_all(journal, monkeypatch):
    start(journal, "a")
    before = journal.path.read_bytes()
    write = os.write

    def full(fd, data):
        if not bytes(data).startswith(b'{"record"'):
            raise OSError(28, "No space left on device")
        return write(fd, data[:20])

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(RunnersError, match=r"cannot be written \(No space left on device\)\. Nothing is started"):
        start(journal, "b")
    assert journal.path.read_bytes() == before


def many(path, name):
    journal = Journal(path)
    for k in range(10):
        start(journal, f"{name}{k}", session=name)
        end(journal, f"{name}{k}", 1.0)


def test_processes_write_one_after_the_other(journal):
    context = multiprocessing.get_context("spawn")
    started = [context.Process(target=many, args=(journal.path, name)) for name in "abc"]
    for process in started:
        process.start()
    for process in started:
        process.join(60)
        assert process.exitcode == 0
    assert (len(journal.entries()), journal.spent(), journal.open_worst()) == (30, 30.0, 0)


def test_the_folder_of_local_runs_ignores_itself(journal, tmp_path):
    start(journal, "a")
    assert "*" in (tmp_path / ".ledger/.gitignore").read_text().splitlines()
    elsewhere = Journal(tmp_path / "elsewhere/s.jsonl")
    start(elsewhere, "a")
    assert not (tmp_path / "elsewhere/.gitignore").exists()
