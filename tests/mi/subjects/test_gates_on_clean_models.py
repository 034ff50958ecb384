"""Whatever is healthy passes every gate: four architectures, every scheme, three dtypes."""

import json

import pytest

from mi.progress import SILENT
from mi.subjects.gates import GATES, Exam, GateFailed, build, check_subject, examine
from mi.subjects.load import load_hf
from mi.subjects.randomise import SCHEMES
from mi.subjects.spec import subject_spec
from mi.subjects.tiny import ARCHITECTURES


@pytest.mark.parametrize(
    ("architecture", "weights"),
    [
        *((a, "trained") for a in ARCHITECTURES),
        *(("neox", s) for s in SCHEMES),
        ("gemma2", "reinit"),
        ("gpt2", "permute"),
    ],
)
def test_clean(subject_of, texts, architecture, weights):
    sites = (
        None if weights == "trained" else ["blocks.1.mlp.hook_in", "blocks.1.hook_mlp_out", "blocks.3.hook_resid_post"]
    )
    reports = check_subject(subject_of(architecture, weights), texts, sites)
    assert {"logits-long", "transformer-lens-long", "causality-long", "padding", "effect", "aliasing"} <= {
        r.name for r in reports
    }
    assert all(r.worst <= r.tolerance for r in reports)


@pytest.mark.parametrize(("architecture", "dtype"), [("neox", "bfloat16"), ("gemma2", "bfloat16"), ("neox", "float64")])
def test_clean_in_other_types(subject_of, texts, architecture, dtype):
    check_subject(subject_of(architecture, dtype=dtype), texts, ["blocks.1.hook_mlp_out"])


@pytest.mark.parametrize("settings", [{"prepends_bos": False}, {"pad": False}, {"seed": 1}, {"layers": 1}])
@pytest.mark.parametrize("architecture", ["gpt2", "llama"])
def test_clean_with_other_tokenizers_and_sizes(subject_of, texts, architecture, settings):
    check_subject(subject_of(architecture, **settings), texts, ["blocks.0.hook_mlp_out"])


def test_window_in_every_layer_or_in_none(subject_of, texts):
    for kinds in (["sliding_attention"] * 4, ["full_attention"] * 4):
        subject = subject_of("gemma2", layer_types=kinds)
        assert (subject.window is None) == (kinds[0] == "full_attention")
        check_subject(subject, texts, ["blocks.2.hook_resid_post"])


def test_sequential_neox(subject_of, texts):
    check_subject(subject_of("neox", use_parallel_residual=False), texts, ["blocks.1.hook_attn_out"])


def test_the_long_rows_are_longer_than_the_window(subject_of, texts):
    subject = subject_of("gemma2")
    exam = Exam(subject, None, subject.sites, texts)
    assert exam.short.ids.shape[1] <= subject.window < exam.long.ids.shape[1]
    assert len({len(row.ids) for row in exam.short.rows}) == len(exam.short) > 2


def test_one_short_text_is_enough_and_none_is_not(subject_of):
    subject = subject_of("neox")
    check_subject(subject, ["the cat sat on a mat"], ["blocks.1.hook_mlp_out"])
    with pytest.raises(GateFailed, match="Give some texts"):
        check_subject(subject, [""])


def test_the_builder_leaves_what_it_found(folder_of, texts, tmp_path):
    (tmp_path / "texts").mkdir()
    lines = [json.dumps({"id": str(i), "text": t, "domain": "x"}) for i, t in enumerate(texts)]
    (tmp_path / "texts" / "documents.jsonl").write_text("\n".join(lines))
    spec = subject_spec(folder_of("neox"))
    facts = build(tmp_path, progress=SILENT, texts=tmp_path / "texts", subject=spec, sites=["blocks.1.hook_mlp_out"])
    found = json.loads((tmp_path / "gates.json").read_text())
    assert found["subject"] == spec
    assert found["sites"] == ["blocks.1.hook_mlp_out"]
    assert len(found["gates"]) == facts["gates"] >= len(GATES)
    assert facts["perplexity"] > 1


def test_every_gate_has_a_say(subject_of, texts):
    subject = subject_of("neox")
    exam = Exam(subject, load_hf(subject.spec), ("blocks.1.hook_mlp_out",), texts)
    assert all(examine(exam, [name]) for name in GATES)
