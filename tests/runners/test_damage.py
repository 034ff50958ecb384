"""Whatever happens to the files of an artifact is found when it is opened, and it is built again."""

import json
import os
import warnings

import pytest
from toy_builders import toy

from runners.errors import StoreWarning
from runners.verification import Damage

RECIPE = toy("write", text="a", label="my text")


def truncated(home):
    path = home / "files" / "shards" / "0.bin"
    os.truncate(path, 100)


def grown(home):
    with (home / "files" / "text.txt").open("a") as file:
        file.write("x")


def flipped(home):
    path = home / "files" / "shards" / "0.bin"
    data = bytearray(path.read_bytes())
    data[5000] ^= 1
    path.write_bytes(data)


def flipped_in_secret(home):
    """One bit, at the same size and with the old time of change."""
    path = home / "files" / "shards" / "0.bin"
    before = path.stat()
    with path.open("r+b") as file:
        file.seek(5000)
        byte = file.read(1)[0]
        file.seek(5000)
        file.write(bytes([byte ^ 1]))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def swapped(home):
    """Another file of the same size, under the same name."""
    path = home / "files" / "text.txt"
    (home.parent / "other").write_text("b")
    os.replace(home.parent / "other", path)


def missing(home):
    (home / "files" / "text.txt").unlink()


def added(home):
    (home / "files" / "shards" / "1.bin").touch()


def linked(home):
    path = home / "files" / "text.txt"
    path.rename(home.parent / "text.txt")
    path.symlink_to(home.parent / "text.txt")


def folder_linked(home):
    (home / "files" / "more").symlink_to("/", target_is_directory=True)


def emptied(home):
    (home / "files" / "text.txt").unlink()
    (home / "files" / "shards" / "0.bin").unlink()


def manifest_edited(home):
    path = home / "manifest.json"
    data = json.loads(path.read_text())
    data["facts"]["length"] = 2
    path.write_text(json.dumps(data))


def manifest_torn(home):
    path = home / "manifest.json"
    path.write_text(path.read_text()[:200])


def manifest_empty(home):
    (home / "manifest.json").write_text("")


def manifest_binary(home):
    (home / "manifest.json").write_bytes(b"\xff\x00\xfe")


def manifest_of_another(home):
    other = next(p for p in home.parents[1].glob("??/*") if p.name != home.name)
    (home / "manifest.json").write_bytes((other / "manifest.json").read_bytes())


def manifest_missing(home):
    (home / "manifest.json").unlink()


DAMAGES = {
    truncated: "shards/0.bin has 100 bytes, expected 10240",
    grown: "text.txt has 2 bytes, expected 1",
    flipped: "shards/0.bin has been altered",
    flipped_in_secret: "shards/0.bin has been altered",
    swapped: "text.txt has been altered",
    missing: "text.txt is missing",
    added: "shards/1.bin was added",
    linked: "text.txt is no longer a plain file",
    folder_linked: "more was added",
    emptied: "is missing",
    manifest_edited: "manifest.json cannot be used: its seal does not hold",
    manifest_torn: "manifest.json cannot be used: it is not whole",
    manifest_empty: "manifest.json cannot be used: it is not whole",
    manifest_binary: "manifest.json cannot be used",
    manifest_of_another: "manifest.json cannot be used: it belongs to another artifact",
    manifest_missing: "manifest.json is missing",
}


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda d: d.__name__)
def test_found_and_built_again(bench, damage):
    made = bench.build(RECIPE)
    bench.build(toy("write", text="other"))
    damage(bench.store.home(RECIPE.digest))
    with pytest.raises(Damage):
        bench.again().look(RECIPE.digest)
    with pytest.warns(StoreWarning) as caught:
        again = bench.build(RECIPE)
    assert DAMAGES[damage] in str(caught[0].message)
    assert "my text" in str(caught[0].message)
    assert bench.built == ["a", "other", "a"]
    assert again.manifest.content == made.manifest.content
    assert (again.path / "text.txt").read_text() == "a"
    assert bench.again().look(RECIPE.digest, thorough=True)
    assert bench.again().look(toy("write", text="other").digest, thorough=True)
    assert bench.leftovers() == []


@pytest.mark.parametrize("damage", [truncated, flipped, swapped, missing, added, manifest_edited])
def test_found_within_the_process_that_has_verified_it(bench, damage):
    store = bench.again()
    bench.build(RECIPE)
    assert store.find(RECIPE)
    damage(store.home(RECIPE.digest))
    with pytest.warns(StoreWarning):
        assert store.find(RECIPE) is None


def test_a_damaged_input_is_never_read(bench):
    bench.build(RECIPE)
    flipped_in_secret(bench.store.home(RECIPE.digest))
    with (bench.store.home(RECIPE.digest) / "files" / "text.txt").open("w") as file:
        file.write("X")
    with pytest.warns(StoreWarning):
        made = bench.build(toy("write", text="b", inputs={"x": RECIPE}))
    assert (made.path / "text.txt").read_text() == "ba"


def test_what_is_whole_is_left_alone(bench):
    bench.build(RECIPE)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(3):
            assert bench.again().look(RECIPE.digest)
            assert bench.again().look(RECIPE.digest, thorough=True)


def test_bytes_are_read_once_per_process(bench, monkeypatch):
    import runners.store

    bench.build(RECIPE)
    hashed = []
    real = runners.store.check_hashes
    monkeypatch.setattr(runners.store, "check_hashes", lambda *a: (hashed.append(1), real(*a)))
    store = bench.again()
    for _ in range(3):
        store.look(RECIPE.digest)
    assert len(hashed) == 1
    bench.again().look(RECIPE.digest)
    assert len(hashed) == 2
