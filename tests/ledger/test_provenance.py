"""Which code, packages and machine."""

import json
import subprocess

import pytest

from ledger.provenance import git_state, hardware, own_version, packages


@pytest.fixture
def repository(tmp_path):
    def git(*argv):
        about = ("-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "commit.gpgsign=false")
        return subprocess.run(["git", *about, *argv], cwd=tmp_path, check=True, capture_output=True, text=True).stdout

    git("init", "-q")
    return tmp_path, git


def test_a_folder_outside_git(tmp_path):
    assert git_state(tmp_path / "missing", tmp_path) == {"commit": None, "dirty": None}


def test_clean_changed_and_untracked(repository):
    root, git = repository
    assert git_state(root, root / "runs") == {"commit": None, "dirty": False}
    (root / "a").write_text("1")
    assert git_state(root, root / "runs") == {"commit": None, "dirty": True}
    git("add", "a")
    git("commit", "-qm", "m")
    commit = git("rev-parse", "HEAD").strip()
    assert git_state(root, root / "runs") == {"commit": commit, "dirty": False}
    (root / "b").write_text("untracked")
    assert git_state(root, root / "runs") == {"commit": commit, "dirty": True}
    (root / "b").unlink()
    (root / "runs").mkdir()
    (root / "runs/r1.jsonl").write_text("what an earlier run left")
    assert git_state(root, root / "runs") == {"commit": commit, "dirty": False}
    assert git_state(root, root / "elsewhere")["dirty"] is True
    (root / "runs/r1.jsonl").unlink()
    (root / "a").write_text("2")
    assert git_state(root, root / "runs")["dirty"] is True


def test_without_git_itself(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert git_state(tmp_path, tmp_path / "runs") == {"commit": None, "dirty": None}


def test_packages_are_hashed_and_the_same_twice():
    found = packages()
    assert found == packages()
    assert len(found["sha256"]) == 16
    assert {"python", "numpy", "pytest"} <= set(found["versions"])


def test_hardware_is_json_and_names_no_host():
    assert set(hardware()) == {"system", "machine", "cpu", "cores", "device"}
    assert json.loads(json.dumps(hardware())) == hardware()
    assert own_version()
