"""Stand-ins: the same random model wherever it is asked for, and never taken for anything else."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

import pytest

from fixtures.plan import plan_for
from mi.subjects import stand_in
from mi.subjects.errors import NotHere, SpecError
from mi.subjects.load import load_subject
from mi.subjects.spec import spec_folder, subject_spec

WEIGHTS = {
    "neox": "a829cd4c888456ac8af4ee0ddd5fbeca39d43e70813157acbb5f04ec36b4b4df",
    "gpt2": "edb47b3d89a6d4cc89fb667201381883323ff1f236ee2d02824e75892965934d",
    "llama": "b67565b30d841b576952f0a093e4065beeb515150c9a0422daa6db4427118464",
    "gemma2": "f88d8780f2966224acbc7bad5674671898d2a6ef3ba36264c05885415cdcf2f8",
}
ASK = (
    "import sys; from mi.subjects.spec import spec_folder, subject_spec, digest;"
    "folder = spec_folder(subject_spec(sys.argv[1])); print(folder, digest(folder))"
)


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A machine on which nobody has asked for one."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("architecture", WEIGHTS)
def test_its_weights_are_these_to_the_bit(architecture, elsewhere):
    folder = spec_folder(subject_spec(f"stand-in/{architecture}"))
    assert elsewhere in folder.parents
    assert sha256((folder / "model.safetensors").read_bytes()).hexdigest() == WEIGHTS[architecture]


def test_fresh_processes_that_ask_at_once_get_one_and_the_same(tmp_path):
    def ask(_):
        environment = {**os.environ, "TMPDIR": str(tmp_path), "OMP_NUM_THREADS": "1"}
        done = subprocess.run(
            [sys.executable, "-c", ASK, "stand-in/gemma2"], env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(ask, range(2))
    assert first == second != ""
    (folder,) = (tmp_path / path for path in tmp_path.glob("mi-assay-*/stand-in-*"))
    assert [path.name for path in folder.iterdir()] == ["gemma2"]  # and nothing half-written


def test_global_dice_are_left_alone(elsewhere):
    import torch

    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    stand_in.stand_in("stand-in/llama")
    assert torch.equal(torch.rand(3), expected)


def test_a_spec_names_it_and_makes_nothing(elsewhere):
    spec = subject_spec("stand-in/gemma2", weights="permute", weights_seed=2)
    assert (spec["name"], spec["source"], spec["revision"]) == ("stand-in/gemma2", "stand-in/gemma2", None)
    assert spec["digest"] == f"stand-in:{stand_in.VERSION}:gemma2"
    assert stand_in.is_stand_in(spec)
    assert not stand_in.is_stand_in(subject_spec("organism"))
    assert list(elsewhere.iterdir()) == []


def test_another_version_is_another_subject(elsewhere, monkeypatch):
    spec = subject_spec("stand-in/gpt2")
    monkeypatch.setattr(stand_in, "VERSION", stand_in.VERSION + 1)
    assert subject_spec("stand-in/gpt2") != spec
    with pytest.raises(SpecError, match="another digest"):
        spec_folder(spec)


def test_an_architecture_that_is_not_there(elsewhere):
    with pytest.raises(NotHere, match=r"There are .*stand-in/gemma2"):
        subject_spec("stand-in/mamba")


def test_it_takes_texts_as_long_as_probes_read_and_a_bos_like_its_model(elsewhere):
    subject = load_subject(subject_spec("stand-in/gemma2"))
    assert subject.needs_bos
    assert subject.context >= 128


def test_its_recipes_ask_for_a_gpu_and_are_small():
    plan = plan_for(subject_spec("stand-in/gemma2"))
    assert plan.gpu == "T4"
    assert plan.texts == "world"
    assert plan.rows * plan.passes < 50_000
