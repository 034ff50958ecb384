"""Prompts: different ones, apart by split, the same fillings in every wording."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mi.progress import SILENT
from mi.refusal import Refusal
from mi.steering.prompts import CANDIDATES, Prompts, prompts, require_splits


def make(folder, **params):
    folder.mkdir(parents=True)
    prompts(folder, progress=SILENT, **{"wording": "world", "split": "validation", "n": 8, **params})
    return Prompts(folder)


@given(st.integers(0, 10**6), st.integers(1, 512), st.sampled_from(sorted(CANDIDATES)))
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_splits_share_no_prompt(tmp_path_factory, seed, n, wording):
    folder = tmp_path_factory.mktemp("prompts")
    both = [make(folder / split, split=split, n=n, seed=seed, wording=wording) for split in ("validation", "test")]
    require_splits(*both)
    for made in both:
        assert list(made.candidates) == list(CANDIDATES[wording])
        assert len(made.hashes) == n * len(made.candidates)
        assert all(len(ids) == len(set(ids)) == n for ids, _ in made.candidates.values())


def test_wordings_are_filled_alike(tmp_path):
    made = make(tmp_path / "a")
    for works, lives in zip(made.of("works-as")[1], made.of("lives-in")[1], strict=True):
        assert works.startswith(lives)
        assert "{" not in works
    assert made.of("can")[0][3] == "can/validation/0003"


def test_only_some_wordings(tmp_path):
    assert list(make(tmp_path / "a", candidates=["can"]).candidates) == ["can"]


@pytest.mark.parametrize(
    "wrong", [{"wording": "other"}, {"split": "train"}, {"n": 513}, {"n": 0}, {"candidates": ["i"]}]
)
def test_what_cannot_be_built(tmp_path, wrong):
    with pytest.raises(Refusal):
        make(tmp_path / "a", **wrong)


def test_prompts_to_choose_on_and_to_test_on(tmp_path):
    one = make(tmp_path / "a")
    leak = tmp_path / "leak"
    leak.mkdir()
    lines = [json.loads(line) for line in (tmp_path / "a" / "documents.jsonl").read_text().splitlines()]
    leaked = [{**line, "split": "test", "id": f"other {k}"} for k, line in enumerate(lines)]
    (leak / "documents.jsonl").write_text("\n".join(json.dumps(line) for line in leaked))
    with pytest.raises(Refusal, match="48 texts in both"):
        require_splits(one, Prompts(leak))
    with pytest.raises(Refusal, match="splits"):
        require_splits(make(tmp_path / "b", split="test"), one)
    (leak / "documents.jsonl").write_text("\n".join(json.dumps(line) for line in [*leaked, {**leaked[0], "id": "x"}]))
    with pytest.raises(Refusal, match="1 prompts that came before"):
        Prompts(leak)
    (leak / "documents.jsonl").write_text("\n".join(json.dumps(line) for line in leaked[1:]))
    with pytest.raises(Refusal, match=r"\[7, 8\] prompts"):
        Prompts(leak)
