"""The cap: least recently used first, and nothing that anybody uses."""

import os

import pytest
from toy_builders import toy

from runners.errors import RunnersError, StoreWarning
from runners.eviction import collect, fit
from runners.place import store_cap
from runners.store import Store
from runners.text import parse_size, parse_span, size, span


def big(name, size=1000, **inputs):
    return toy("big", name=name, size=size, inputs=inputs, label=name)


@pytest.fixture
def shelf(bench):
    """Five artifacts of 1000 bytes, e used last, and no process that uses any."""
    process = bench.python('for name in "abcde": build(toy("big", name=name, size=1000, label=name), store)')
    process.communicate(timeout=120)
    for k, name in enumerate("abcde"):
        os.utime(bench.store.home(big(name).digest), (1000 + k, 1000 + k))
    return bench


def names(bench):
    return sorted(e.manifest.recipe["recipes"][e.digest]["label"] for e in Store(bench.store.root).entries())


def test_least_recently_used_go_first(shelf):
    shelf.build(big("f"), cap=3500)
    assert names(shelf) == ["d", "e", "f"]


def test_reading_counts_as_use(shelf):
    process = shelf.python('build(toy("big", name="a", size=1000), store)')
    process.communicate(timeout=120)
    shelf.build(big("f"), cap=3500)
    assert names(shelf) == ["a", "e", "f"]


def test_what_another_process_uses_stays(shelf):
    code = """
        build(toy("big", name="a", size=1000), store)
        print("ready", flush=True)
        sys.stdin.read()
    """
    import subprocess

    process = shelf.python(code, stdin=subprocess.PIPE)
    assert process.stdout.readline() == "ready\n"
    os.utime(shelf.store.home(big("a").digest), (1, 1))
    try:
        shelf.build(big("f"), cap=2000)
        assert names(shelf) == ["a", "f"]
        assert not shelf.again().evict(big("a").digest)
    finally:
        process.kill()
        process.communicate()
    assert shelf.again().evict(big("a").digest)  # its user was killed


def test_inputs_of_what_is_being_built_stay(shelf):
    """``small`` builds ``a`` anew as an input: it is older than the rest by its stamp, and still needed."""
    store = shelf.again(cap=2500)
    from runners.build import build

    made = build(big("g", below=big("a")), store)
    os.utime(store.home(big("a").digest), (1, 1))
    fit(store)
    assert names(shelf) == ["a", "g"]
    assert made.path.exists()


def test_more_than_the_cap_in_use_is_said(bench):
    with pytest.warns(StoreWarning, match="more than its cap of 500 B, and all of it is in use"):
        bench.build(big("a"), cap=500)
    assert names(bench) == ["a"]


def test_an_artifact_taken_into_use_in_the_middle_of_its_removal_comes_back(shelf, monkeypatch):
    """The reader says that it uses it between the first look at the leases and the second."""
    store, reader = shelf.again(), shelf.again()
    calls = []
    real = store.leases.in_use

    def in_use():
        calls.append(1)
        if len(calls) == 2:
            reader.leases.take(big("a").digest)
        return real()

    monkeypatch.setattr(store.leases, "in_use", in_use)
    assert not store.evict(big("a").digest)
    assert reader.look(big("a").digest)


def test_what_is_being_built_is_not_removed(shelf):
    recipe = big("a")
    with shelf.again().locked(recipe):
        assert not shelf.again().evict(recipe.digest)
    assert shelf.again().evict(recipe.digest)


@pytest.mark.parametrize(
    ("options", "left"),
    [
        ({"cap": 3000}, "cde"),
        ({"cap": 10**9}, "abcde"),
        ({"older": 3600.0}, ""),
        ({"older": 10.0**12}, "abcde"),
        ({"everything": True}, ""),
        ({"everything": True, "dry_run": True}, "abcde"),
        ({"cap": 0, "dry_run": True}, "abcde"),
        ({}, "abcde"),
    ],
)
def test_collect(shelf, options, left):
    done = collect(shelf.again(), **options)
    assert names(shelf) == list(left)
    if options.get("dry_run"):
        assert len(done.gone) == 5
        assert done.bytes == 0
    else:
        assert done.bytes == 1000 * len(left)


def test_artifacts_without_a_readable_manifest_can_go_too(shelf):
    (shelf.store.home(big("e").digest) / "manifest.json").write_text("")
    os.utime(shelf.store.home(big("e").digest), (1, 1))
    collect(shelf.again(), cap=4000)
    assert names(shelf) == ["a", "b", "c", "d"]


def test_the_cap_comes_from_the_environment(monkeypatch):
    assert store_cap() == 20 * 10**9
    monkeypatch.setenv("MI_ASSAY_STORE_CAP", "1.5 GB")
    assert store_cap() == 1_500_000_000
    monkeypatch.setenv("MI_ASSAY_STORE_CAP", "plenty")
    with pytest.raises(RunnersError, match="size 'plenty': expected a number with a unit, such as 20GB"):
        store_cap()


def test_sizes_and_spans():
    assert [parse_size(t) for t in ("0", "500MB", "2GiB", "7 k", "1B")] == [0, 500_000_000, 2**31, 7000, 1]
    assert [parse_span(t) for t in ("45s", "90m", "12h", "30d", "1w")] == [45, 5400, 43200, 2592000, 604800]
    for wrong in ("", "GB", "-1GB", "5 parsecs", "1i"):
        with pytest.raises(RunnersError):
            parse_size(wrong)
    for wrong in ("", "30", "d", "-1d"):
        with pytest.raises(RunnersError):
            parse_span(wrong)
    assert [size(n) for n in (0, 999, 1000, 123_456, 4_100_000, 2.5e13)] == [
        "0 B",
        "999 B",
        "1.0 kB",
        "123 kB",
        "4.1 MB",
        "25.0 TB",
    ]
    assert [span(s) for s in (-1, 0.4, 61, 700, 20_000, 10**7)] == ["0.0 s", "0.4 s", "61 s", "12 min", "6 h", "116 d"]
