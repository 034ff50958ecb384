"""A disk without space, and a store that cannot be written."""

import contextlib
import os
import subprocess
import sys

import pytest
from toy_builders import toy

from runners.build import build
from runners.errors import StoreError, StoreFullError, StoreReadOnlyError, StoreWarning
from runners.store import Store


@pytest.fixture
def mount(tmp_path):
    """``mount(options)``: a small file system in memory, at a folder that it returns."""
    mounted = []

    def make(options):
        folder = tmp_path / f"disk{len(mounted)}"
        folder.mkdir()
        try:
            done = subprocess.run(
                ["mount", "-t", "tmpfs", "-o", options, "none", str(folder)],
                capture_output=True,
                text=True,
                check=False,
            )
        except FileNotFoundError:
            pytest.skip("no mount command here")
        if done.returncode:
            pytest.skip(f"mounting needs root: {done.stderr.strip()}")
        mounted.append(folder)
        return folder

    yield make
    for folder in mounted:
        subprocess.run(["umount", "-l", str(folder)], check=False)


def fill(path):
    with path.open("wb") as file, contextlib.suppress(OSError):
        while True:
            os.write(file.fileno(), b"\0" * 4096)


def read_only(folder):
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)


def test_a_disk_runs_full_in_a_build(bench, mount):
    store = Store(mount("size=1m") / "store")
    kept = build(toy("write", text="kept"), store)
    with pytest.raises(StoreFullError) as caught:
        build(toy("endless", label="large"), store)
    assert "no space left while building large" in str(caught.value)
    assert "runners gc" in str(caught.value)
    assert not list((store.base / "building").iterdir())
    assert Store(store.root).look(kept.digest, thorough=True)
    assert build(toy("write", text="after"), store)


def test_a_disk_is_full_before_anything_starts(bench, mount):
    store = Store(mount("size=256k") / "store")
    kept = build(toy("write", text="kept"), store)
    fill(store.root / "filler")
    assert Store(store.root).find(toy("write", text="kept")).digest == kept.digest
    with pytest.raises(StoreFullError):
        build(toy("write", text="more"), Store(store.root))
    assert not list((store.base / "building").iterdir())
    (store.root / "filler").unlink()
    assert build(toy("write", text="more"), Store(store.root))


@pytest.mark.parametrize("name", ["disk_full", "disk_full_in_a_library"])
def test_a_full_disk_is_recognised_however_it_is_reported(bench, name):
    kept = bench.build(toy("write"))
    with pytest.raises(StoreFullError, match="Nothing of it was kept"):
        bench.build(toy(name))
    assert bench.leftovers() == []
    assert bench.again().look(kept.digest, thorough=True)


def test_a_disk_runs_full_while_publishing(bench, monkeypatch):
    import runners.store

    kept = bench.build(toy("write"))

    def full(path):
        raise OSError(28, "No space left on device", str(path))

    with monkeypatch.context() as patched:
        patched.setattr(runners.store, "sync", full)
        with pytest.raises(StoreFullError):
            bench.build(toy("write", text="b"))
    assert bench.leftovers() == []
    assert [e.digest for e in bench.store.entries()] == [kept.digest]
    assert bench.build(toy("write", text="b"))


def test_a_read_only_store(bench, mount):
    folder = mount("size=1m")
    store = Store(folder / "store")
    made = build(toy("write", text="kept"), store)
    build(toy("write", text="broken"), store)
    os.truncate(store.folder(toy("write", text="broken").digest) / "text.txt", 0)
    code = f"""
        read = Store(Path({str(store.root)!r}))
        print((build(toy("write", text="kept"), read).path / "text.txt").read_text())
        for text in ("new", "broken"):
            try:
                build(toy("write", text=text, label="my " + text), read)
            except Exception as exc:
                print(type(exc).__name__, exc)
    """
    store.leases._lock.release()  # nobody writes there any more: our own lease does not have to be open
    read_only(folder)
    out, err = bench.python(code).communicate(timeout=120)
    kept, new, broken = out.splitlines()
    assert kept == "kept", err
    assert new.startswith("StoreReadOnlyError my new")
    assert "has to be built, and the store" in new
    assert "--store DIR or MI_ASSAY_STORE=DIR" in new
    assert broken.startswith("StoreReadOnlyError my broken")
    assert "is damaged" in broken
    assert bench.built == ["kept", "broken"]
    assert made.path.exists()
    listed = subprocess.run(
        [sys.executable, "-m", "runners", "--store", str(store.root), "ls"], capture_output=True, text=True, check=True
    )
    assert "2 artifacts" in listed.stdout


def test_a_read_only_store_without_root(bench, monkeypatch):
    """The same errors where nothing can be mounted: the first file that is opened for writing says no."""
    import runners.store

    bench.build(toy("write", text="kept"))

    class Locked:
        def __init__(self, path):
            pass

        def acquire(self, timeout=-1):
            raise OSError(30, "Read-only file system")

    monkeypatch.setattr(runners.store, "FileLock", Locked)
    assert bench.build(toy("write", text="kept"))
    with pytest.raises(StoreReadOnlyError, match="cannot be written"):
        bench.build(toy("write", text="new"))
    assert bench.built == ["kept"]


def test_a_store_that_is_a_file(bench):
    (bench.folder / "store").write_text("")
    with pytest.raises(StoreError, match="cannot be used"):
        bench.build(toy("write"))


def test_damage_warnings_as_errors_do_not_stop_the_repair(bench):
    import warnings

    made = bench.build(toy("write"))
    (made.path / "text.txt").unlink()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(StoreWarning):
            bench.build(toy("write"))
        assert bench.build(toy("write"))
