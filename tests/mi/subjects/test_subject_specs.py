import json
import shutil

import pytest

from mi.subjects.errors import NotHere, SpecError, SubjectError
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


@pytest.mark.parametrize("name", ["pythia-70m", "EleutherAI/pythia-70m"])
def test_an_absent_model_comes_with_the_command_that_fetches_it(name, tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.file_download.HF_HUB_CACHE", str(tmp_path), raising=False)
    with pytest.raises(NotHere) as caught:
        subject_spec(name)
    assert caught.value.command.startswith("hf download EleutherAI/pythia-70m --revision a39f36b1")
    assert "--include '*.safetensors'" in caught.value.command


def cached(folder, cache, repo, commit=COMMIT):
    """Lay a model out as the hub's cache does."""
    snapshot = cache / ("models--" + repo.replace("/", "--")) / "snapshots" / commit
    shutil.copytree(folder, snapshot)
    refs = snapshot.parents[1] / "refs"
    refs.mkdir()
    (refs / "main").write_text(commit)
    return snapshot


def test_a_cached_model_is_found_by_its_commit(folder_of, tmp_path, monkeypatch):
    snapshot = cached(folder_of("neox"), tmp_path, "someone/something")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.file_download.HF_HUB_CACHE", str(tmp_path), raising=False)
    spec = subject_spec("someone/something")
    assert (spec["name"], spec["source"], spec["revision"]) == ("someone/something", "someone/something", COMMIT)
    assert spec_folder(spec) == snapshot


def test_gpt2_is_found_under_its_old_name_too(folder_of, tmp_path, monkeypatch):
    cached(folder_of("gpt2"), tmp_path, "gpt2", SUBJECTS["gpt2"].revision)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.file_download.HF_HUB_CACHE", str(tmp_path), raising=False)
    assert subject_spec("gpt2")["revision"] == SUBJECTS["gpt2"].revision


def test_every_hub_subject_is_pinned():
    for entry in SUBJECTS.values():
        assert entry.source.startswith("organism/") or len(entry.revision) == 40
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
