"""What long builds show, in a log and in a terminal."""

import io

import pytest
from toy_builders import toy

from runners.build import build
from runners.engines.relay import Receiver, Sender
from runners.progress import SILENT, Lines, Terminal, count_line, progress_on


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


class Tty(io.StringIO):
    def isatty(self):
        return True


def test_a_log_has_a_line_at_once_and_then_one_every_20_seconds():
    stream, clock = io.StringIO(), Clock()
    with Lines(stream, "[gw0] ", clock=clock)("harvest", 1000, "tokens") as bar:
        for _ in range(100):
            clock.now += 0.5
            bar.note("loss 0.25")
            bar.update(10)
    assert stream.getvalue().splitlines() == [
        "[gw0]   harvest: 0 of 1.00k tokens",
        "[gw0]   harvest: 400 of 1.00k tokens (40 %), 20 tokens/s, 00:30 left, loss 0.25",
        "[gw0]   harvest: 800 of 1.00k tokens (80 %), 20 tokens/s, 00:10 left, loss 0.25",
    ]


def test_many_short_counts_do_not_flood_a_log():
    stream, clock = io.StringIO(), Clock()
    lines = Lines(stream, clock=clock)
    for _ in range(50):
        with lines("eval", None, "batches") as bar:
            clock.now += 1
            bar.update(3)
    lines.say("done")
    assert len(stream.getvalue().splitlines()) == 4


def test_lines_of_counts():
    assert count_line("train", 0, None, "steps", 0) == "train: 0 steps"
    assert count_line("train", 50, None, "steps", 10) == "train: 50 steps, 5 steps/s"
    assert count_line("read", 2_500_000, 10**7, "rows", 60) == (
        "read: 2.50M of 10.0M rows (25 %), 41.7k rows/s, 03:00 left"
    )
    assert count_line("over", 30, 20, "rows", 1) == "over: 30 of 20 rows (150 %), 30 rows/s, 00:00 left"


def test_a_terminal_gets_a_bar_that_goes_away():
    stream, ready = Tty(), []
    progress = progress_on(stream, ready=lambda: ready.append(1))
    assert isinstance(progress, Terminal)
    with progress("harvest", 1000, "tokens") as bar:
        for _ in range(100):
            bar.update(10)
            bar.note("loss 0.25")
        progress.say("in between")
    shown = stream.getvalue()
    assert "harvest" in shown
    assert "tokens/s" in shown
    assert "in between\n" in shown
    assert shown.rstrip(" ").endswith("\r")
    assert ready


def test_what_is_shared_or_no_terminal_gets_lines():
    assert isinstance(progress_on(Tty(), "[gw0] "), Lines)
    assert isinstance(progress_on(io.StringIO()), Lines)


def test_labels_cannot_move_the_cursor():
    stream = io.StringIO()
    lines = Lines(stream)
    with lines("a\x1b[2Jb", 1, "x") as bar:
        bar.update(1)
    lines.say("two\nlines")
    assert "\x1b" not in stream.getvalue()
    assert "two lines\n" in stream.getvalue()


def test_a_build_says_what_it_builds(bench):
    stream = io.StringIO()
    made = build(toy("steps", total=5, label="stepper"), bench.store, Lines(stream))
    first, second = stream.getvalue().splitlines()
    assert first == f"building stepper ({made.digest[:12]})"
    assert second.startswith("  stepping: 0 of 5 steps")
    build(toy("steps", total=5), bench.store, Lines(stream))
    assert len(stream.getvalue().splitlines()) == 2


def test_a_long_build_says_how_long_it_took(bench, monkeypatch):
    monkeypatch.setattr("runners.build.WORTH_SAYING", 0.0)
    stream = io.StringIO()
    build(toy("write"), bench.store, Lines(stream))
    assert stream.getvalue().splitlines()[-1].startswith("built write (")
    assert stream.getvalue().endswith(", 10.2 kB\n")


def test_progress_of_another_process_arrives(monkeypatch):
    monkeypatch.setattr("runners.engines.relay.PAUSE", 0.0)
    stream, clock = io.StringIO(), Clock()
    receiver = Receiver(Lines(stream, clock=clock))

    def take(message):
        clock.now += 10
        assert receiver.take(message)

    sender = Sender(take)
    sender.say("begin")
    with sender("outer", 4, "rows") as outer, sender("inner", None, "rows") as inner:
        outer.update(1)
        inner.update(2)
        outer.note("x")
        outer.update(1)
    assert stream.getvalue().splitlines() == [
        "begin",
        "  outer: 0 of 4 rows",
        "  outer: 1 of 4 rows (25 %), 0.05 rows/s, 01:00 left",
        "  outer: 2 of 4 rows (50 %), 0.04 rows/s, 00:50 left, x",
    ]
    assert not receiver.take({"built": "x"})


def test_updates_are_bundled_on_the_way(monkeypatch):
    monkeypatch.setattr("runners.engines.relay.PAUSE", 1000.0)
    sent = []
    with Sender(sent.append)("count", 1000, "rows") as bar:
        for _ in range(1000):
            bar.update(1)
    assert sent == [
        {"bar": "1", "open": ["count", 1000, "rows"]},
        {"bar": "1", "update": 1000},
        {"bar": "1", "close": True},
    ]


def test_a_dead_sender_leaves_no_open_bar():
    class Watched:
        open = 0

        def __call__(self, label, total, unit):
            return self

        def __enter__(self):
            self.open += 1
            return self

        def __exit__(self, *_):
            self.open -= 1

    watched = Watched()
    receiver = Receiver(watched)
    receiver.take({"bar": "1", "open": ["a", 1, "x"]})
    receiver.take({"bar": "2", "open": ["b", 1, "x"]})
    assert watched.open == 2
    receiver.end()
    assert watched.open == 0


def test_silence():
    with SILENT("a", 1, "x") as bar:
        bar.update(1)
        bar.note("y")
    SILENT.say("z")


@pytest.mark.parametrize("progress", [SILENT, Lines(io.StringIO()), Terminal(Tty()), Sender(lambda m: None)])
def test_all_have_the_form_that_builders_know(progress):
    with progress("a", None, "x") as bar:
        bar.update(1)
        bar.note("y")
    progress.say("z")
