"""The device of a build is the environment's, and in no recipe."""

import pytest

from mi.device import VARIABLE, device
from mi.subjects.load import load_hf
from mi.subjects.spec import subject_spec


@pytest.mark.parametrize(("said", "wanted"), [(None, "cpu"), ("", "cpu"), ("cpu", "cpu"), ("cuda", "cuda")])
def test_it_is_what_the_builder_was_told(said, wanted, monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    if said is not None:
        monkeypatch.setenv(VARIABLE, said)
    assert device() == wanted


def test_one_spec_is_loaded_wherever_the_build_is(folder_of, monkeypatch):
    spec = subject_spec(folder_of("neox"))
    monkeypatch.setenv(VARIABLE, "meta")  # a device that every torch has
    assert subject_spec(folder_of("neox")) == spec
    assert "device" not in spec
    assert {p.device.type for p in load_hf(spec).parameters()} == {"meta"}
    monkeypatch.delenv(VARIABLE)
    assert {p.device.type for p in load_hf(spec).parameters()} == {"cpu"}
