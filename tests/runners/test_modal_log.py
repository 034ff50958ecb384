"""Lines of Modal's log become messages again."""

import json

from runners.engines.modal.log import END, Log, line_of


class Told(Log):
    def __init__(self, *keys):
        super().__init__()
        self.of = {key: [] for key in keys}
        for key in keys:
            self.add(key, self.of[key].append)


def test_lines_in_pieces_and_several_at_once():
    log = Told("a", "b")
    text = line_of("a", {"say": "one"}) + line_of("b", {"say": "two\nlines"})
    for k in range(0, len(text), 7):
        log.take("c1", "stdout", text[k : k + 7])
    assert log.of == {"a": [{"say": "one"}], "b": [{"say": "two\nlines"}]}


def test_streams_and_containers_are_not_mixed():
    log = Told("a")
    log.take("c1", "stdout", "out ")
    log.take("c1", "stderr", "err ")
    log.take("c2", "stdout", "other ")
    log.take("c1", "stdout", "one\n")
    log.take("c1", "stderr", "two\n")
    log.take("c2", "stdout", "three\n")
    assert [m["log"] for m in log.of["a"]] == ["out one", "err two", "other three"]


def test_whose_other_lines_are():
    log = Told("a", "b")
    log.take("c1", "stderr", "before anything\n")
    log.take("c1", "stdout", line_of("a", {"say": "hello"}))
    log.take("c1", "stderr", "of a\n\n")
    assert log.of["b"] == [{"log": "before anything"}]
    assert log.of["a"] == [{"log": "before anything"}, {"say": "hello"}, {"log": "of a"}]
    log.drop("a")
    log.take("c1", "stderr", "too late\n")
    assert log.of["b"] == [{"log": "before anything"}]


def test_counts_of_a_container_that_is_gone_are_closed():
    log = Told("a")
    opened = {"bar": "1", "open": ["x", 3, "steps"]}
    log.take("c1", "stdout", line_of("a", opened) + line_of("a", {"bar": "1", "update": 2}))
    log.take("c2", "stdout", line_of("a", opened))
    assert log.of["a"] == [opened, {"bar": "1", "update": 2}, {"bar": "1", "close": True}, opened]


def test_what_was_lost_on_the_way_opens_no_count():
    log = Told("a")
    log.take("c1", "stdout", line_of("a", {"bar": "1", "update": 2}) + line_of("a", {"bar": "1", "close": True}))
    assert log.of["a"] == []


def test_what_only_looks_like_a_message():
    log = Told("a")
    lines = ["@", "@[1, 2]", "@{}", '@["a", "text"]', "@decorator"]
    log.take("c1", "stdout", "\n".join(lines) + "\n")
    assert [m["log"] for m in log.of["a"]] == lines
    log.take("c1", "stdout", "@" + json.dumps(["stranger", {"say": "hello"}]) + "\n")
    assert len(log.of["a"]) == len(lines)


def test_the_last_message():
    log = Told("a")
    assert not log.ended("a")
    log.take("c1", "stdout", line_of("a", END))
    assert log.ended("a")
    log.take("c2", "stdout", line_of("a", {"say": "again, elsewhere"}))
    assert not log.ended("a")
    log.drop("a")
    assert log.ended("a")
