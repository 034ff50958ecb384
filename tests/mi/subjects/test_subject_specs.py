import json
import shutil
from pathlib import Path

import huggingface_hub
import pytest

from mi.subjects.errors import NotHere, SpecError, SubjectError
from mi.subjects.hub_cache import PATTERNS
from mi.subjects.registry import SUBJECTS, known
from mi.subjects.spec import digest, spec_folder, subject_spec, tokenizer_digest

COMMIT = "1" * 40


@pytest.fixture
def copy(folder_of, tmp_path):
    return shutil.copytree(folder_of("neox"), tmp_path / "model")


def test_a_folder_becomes_a_spec_of_plain_json(copy):
    spec = subject_spec(copy, weights="permute", weights_seed=3)
    assert json.loads(json.dumps(spec)) == spec
    assert spec["source"] == str(copy)
    assert (spec["weights"], spec["weights_seed"], spec["revision"]) == ("permute", 3, None)
    assert spec_folder(spec) == copy


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
def test_the_digest_depends_on_every_file(copy, name):
    before = digest(copy)
    data = (copy / name).read_bytes()
    (copy / name).write_bytes(data + b" ")
    assert digest(copy) != before
    (copy / name).write_bytes(data)
    assert digest(copy) == before


def test_files_changed_after_the_spec_was_made_are_refused(copy):
    spec = subject_spec(copy)
    (copy / "config.json").write_text((copy / "config.json").read_text() + "\n")
    with pytest.raises(SpecError, match="another digest"):
        spec_folder(spec)


def test_the_tokenizer_digest_ignores_weights(copy):
    before = tokenizer_digest(copy)
    (copy / "model.safetensors").write_bytes(b"")
    assert tokenizer_digest(copy) == before


def test_pickled_weights_are_refused_with_the_reason(copy):
    (copy / "model.safetensors").rename(copy / "pytorch_model.bin")
    with pytest.raises(SpecError, match="unpickling runs code"):
        subject_spec(copy)


def test_a_missing_shard_is_named(copy):
    index = {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
    (copy / "model.safetensors").rename(copy / "model-1.safetensors")
    (copy / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(SpecError, match=r"no model-2\.safetensors"):
        subject_spec(copy)


def test_code_that_comes_with_weights_is_refused(copy):
    config = json.loads((copy / "config.json").read_text()) | {"auto_map": {"AutoModel": "own.Model"}}
    (copy / "config.json").write_text(json.dumps(config))
    with pytest.raises(SpecError, match="code of its own"):
        subject_spec(copy)


@pytest.mark.parametrize(
    ("name", "said"),
    [("config.json", r"no config\.json"), ("tokenizer.json", "no tokenizer"), ("model.safetensors", r"no model\.safe")],
)
def test_a_folder_without_an_essential_file_is_refused(copy, name, said):
    (copy / name).unlink()
    with pytest.raises(SpecError, match=said):
        subject_spec(copy)


@pytest.mark.parametrize("name", ["no-such-model", "./nowhere", "/nowhere/at/all"])
def test_an_unknown_name_lists_the_known_ones(name):
    with pytest.raises(NotHere, match="pythia-70m"):
        subject_spec(name)


@pytest.mark.parametrize("wrong", [{"weights": "shuffled"}, {"dtype": "int8"}, {"weights_seed": 1}])
def test_unknown_schemes_and_types_are_refused(copy, wrong):
    with pytest.raises(SpecError):
        subject_spec(copy, **wrong)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache of the hub."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.file_download.HF_HUB_CACHE", str(tmp_path / "hub"), raising=False)
    return tmp_path / "hub"


@pytest.fixture
def hub(monkeypatch, folder_of, cache):
    """A hub that hands out one model, and what it was asked for."""
    asked = []

    def deliver(repo, *, revision, allow_patterns):
        asked.append((repo, revision, allow_patterns))
        shutil.rmtree(cache / ("models--" + repo.replace("/", "--")), ignore_errors=True)
        return str(cached(folder_of("gemma2"), cache, repo, revision))

    monkeypatch.setattr("huggingface_hub.snapshot_download", deliver)
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    return asked


@pytest.mark.parametrize("name", ["pythia-70m", "EleutherAI/pythia-70m"])
def test_an_absent_model_comes_with_the_command_that_fetches_it(name, cache):
    with pytest.raises(NotHere) as caught:
        spec_folder(subject_spec(name))
    assert caught.value.command.startswith("hf download EleutherAI/pythia-70m --revision a39f36b1")
    assert "--include '*.safetensors'" in caught.value.command


@pytest.mark.parametrize(("name", "more"), [("someone/something", {}), ("gpt2", {"revision": "main"})])
def test_what_is_not_pinned_has_to_be_here_to_have_a_spec(name, more, cache, hub):
    with pytest.raises(NotHere, match="hf download"):
        subject_spec(name, **more)
    assert hub == []


def test_a_pinned_spec_is_the_same_with_and_without_the_files(folder_of, cache):
    before = subject_spec("gemma-2-2b")
    snapshot = cached(folder_of("gemma2"), cache, "google/gemma-2-2b", before["revision"])
    assert subject_spec("google/gemma-2-2b") == before
    assert before["digest"] == f"commit:{SUBJECTS['gemma-2-2b'].revision}"
    assert spec_folder(before) == snapshot
    with pytest.raises(SpecError, match="another digest"):
        spec_folder({**before, "digest": f"commit:{COMMIT}"})


def test_exactly_the_pinned_revision_is_downloaded_once(cache, hub):
    spec = subject_spec("gemma-2-2b")
    assert hub == []
    folder = spec_folder(spec)
    assert folder.name == spec["revision"]
    assert spec_folder(spec) == folder
    assert hub == [("google/gemma-2-2b", spec["revision"], list(PATTERNS))]
    assert "*.bin" not in PATTERNS


@pytest.mark.parametrize("said", ["1", None])
def test_nothing_is_downloaded_unless_somebody_said_so(said, cache, hub, monkeypatch):
    monkeypatch.delenv("HF_HUB_OFFLINE")
    if said is not None:
        monkeypatch.setenv("HF_HUB_OFFLINE", said)
    with pytest.raises(NotHere, match="hf download google/gemma-2-2b"):
        spec_folder(subject_spec("gemma-2-2b"))
    assert hub == []


def test_a_download_that_was_cut_off_is_finished(folder_of, cache, hub):
    spec = subject_spec("gemma-2-2b")
    cut = cached(folder_of("gemma2"), cache, spec["source"], spec["revision"])
    (cut / "model.safetensors").unlink()
    assert (spec_folder(spec) / "model.safetensors").exists()
    assert len(hub) == 1


def test_what_arrives_is_looked_at_before_it_is_loaded(cache, hub, monkeypatch):
    deliver = huggingface_hub.snapshot_download

    def unsafe(*args, **more):
        folder = Path(deliver(*args, **more))
        config = json.loads((folder / "config.json").read_text()) | {"auto_map": {"AutoModel": "own.Model"}}
        (folder / "config.json").write_text(json.dumps(config))

    monkeypatch.setattr("huggingface_hub.snapshot_download", unsafe)
    with pytest.raises(SpecError, match="code of its own"):
        spec_folder(subject_spec("gemma-2-2b"))


def test_a_download_that_fails_says_why_and_is_no_error_of_a_claim(cache, hub, monkeypatch):
    def behind_a_licence(*args, **more):
        raise RuntimeError("401 Client Error:\ngated repo")

    monkeypatch.setattr("huggingface_hub.snapshot_download", behind_a_licence)
    with pytest.raises(
        NotHere, match=r"could not be downloaded \(RuntimeError: 401 Client Error: gated repo\)"
    ) as caught:
        spec_folder(subject_spec("gemma-2-2b"))
    assert caught.value.absent
    assert "HF_TOKEN" in caught.value.fix


def cached(folder, cache, repo, commit=COMMIT):
    """Lay a model out as the hub's cache does."""
    snapshot = cache / ("models--" + repo.replace("/", "--")) / "snapshots" / commit
    shutil.copytree(folder, snapshot)
    refs = snapshot.parents[1] / "refs"
    refs.mkdir()
    (refs / "main").write_text(commit)
    return snapshot


def test_a_cached_model_is_found_by_its_commit(folder_of, cache):
    snapshot = cached(folder_of("neox"), cache, "someone/something")
    spec = subject_spec("someone/something")
    assert (spec["name"], spec["source"], spec["revision"]) == ("someone/something", "someone/something", COMMIT)
    assert spec_folder(spec) == snapshot


def test_gpt2_is_found_under_its_old_name_too(folder_of, cache):
    snapshot = cached(folder_of("gpt2"), cache, "gpt2", SUBJECTS["gpt2"].revision)
    assert spec_folder(subject_spec("gpt2")) == snapshot


def test_every_hub_subject_is_pinned():
    for entry in SUBJECTS.values():
        assert entry.source.startswith(("organism/", "stand-in/")) or len(entry.revision) == 40
        assert known(entry.name) is entry


def test_weights_that_the_files_do_not_have_are_no_model(copy):
    from safetensors.torch import load_file, save_file

    from mi.subjects.load import load_subject

    tensors = load_file(copy / "model.safetensors")
    gone = next(name for name in tensors if "mlp" in name and name.endswith("weight"))
    tensors.pop(gone)
    save_file(tensors, copy / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(SubjectError, match=gone):
        load_subject(subject_spec(copy))
