"""Artifacts behind rows: found by digest, and read only as they were built."""

import hashlib
import json

import pytest
from manifests import manifest_text

from ledger import artifact_files
from ledger.artifact_files import artifacts_here, digests, store_folder
from ledger.errors import LedgerError
from runners.canonical import sha256_of
from runners.place import FOLDER, VARIABLE
from runners.store import LAYOUT

DIGEST = "ab" * 32


@pytest.fixture
def home(tmp_path):
    """A store with one artifact of one file."""
    found = tmp_path / LAYOUT / "artifacts" / DIGEST[:2] / DIGEST
    (found / "files").mkdir(parents=True)
    (found / "files/units.json").write_bytes(b'{"n": 1}')
    (found / "manifest.json").write_text(manifest_text(DIGEST, {"units.json": b'{"n": 1}'}))
    return found


@pytest.fixture
def artifact(home, tmp_path):
    (found,) = artifacts_here({"artifacts": [DIGEST]}, tmp_path)
    return found


def test_places_are_those_of_the_store(tmp_path, monkeypatch):
    assert (artifact_files.VARIABLE, artifact_files.STORE, artifact_files.LAYOUT) == (VARIABLE, FOLDER, LAYOUT)
    monkeypatch.delenv(VARIABLE, raising=False)
    assert store_folder(tmp_path) == tmp_path / FOLDER
    monkeypatch.setenv(VARIABLE, "/elsewhere")
    assert str(store_folder(tmp_path)) == "/elsewhere"
    assert store_folder(tmp_path, tmp_path / "named") == tmp_path / "named"


def test_only_digests_lead_into_the_store():
    row = {"artifacts": [DIGEST, "../../x", 7, None, "published.json@sha256:0123", DIGEST, DIGEST.upper()]}
    assert digests(row) == [DIGEST]
    assert digests({}) == []


def test_a_file_is_read_as_it_was_built(artifact):
    assert (artifact.digest, artifact.names, artifact.json("units.json")) == (DIGEST, ["units.json"], {"n": 1})


@pytest.mark.parametrize("name", ["other.json", "../manifest.json", ""])
def test_what_the_manifest_does_not_list_is_not_read(artifact, name):
    with pytest.raises(LedgerError, match="not a file of this artifact"):
        artifact.read(name)


def test_an_altered_file_is_an_error(artifact):
    (artifact.home / "files/units.json").write_bytes(b'{"n": 2}')
    with pytest.raises(LedgerError, match="altered since it was built"):
        artifact.json("units.json")


@pytest.mark.parametrize("manifest", ["", "[]", '{"digest": "00", "files": {}}', '{"digest": 1}'])
def test_the_manifest_is_of_this_artifact(artifact, manifest):
    (artifact.home / "manifest.json").write_text(manifest)
    with pytest.raises(LedgerError, match="not the manifest of this artifact"):
        artifact.read("units.json")


@pytest.mark.parametrize("resealed", [False, True])
def test_an_edit_of_a_file_and_its_hash_is_found(artifact, resealed):
    """By the seal, or, sealed anew, by the hash over all files."""
    raw = b'{"n": 2}'
    (artifact.home / "files/units.json").write_bytes(raw)
    body = json.loads((artifact.home / "manifest.json").read_text())
    body["files"]["units.json"]["sha256"] = hashlib.sha256(raw).hexdigest()
    if resealed:
        del body["seal"]
        body["seal"] = sha256_of(body)
    (artifact.home / "manifest.json").write_text(json.dumps(body))
    with pytest.raises(LedgerError, match="not the manifest of this artifact"):
        artifact.json("units.json")


@pytest.mark.parametrize("raw", [b'{"n": NaN}', b"{", b"\xff"])
def test_no_file_is_half_understood(artifact, raw):
    (artifact.home / "files/units.json").write_bytes(raw)
    (artifact.home / "manifest.json").write_text(manifest_text(DIGEST, {"units.json": raw}))
    with pytest.raises(LedgerError, match="not JSON"):
        artifact.json("units.json")
