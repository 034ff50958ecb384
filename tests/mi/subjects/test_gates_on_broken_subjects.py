"""Silent bugs, planted one by one: each runs without an error, and the gate that is meant for it fails."""

from dataclasses import replace

import pytest
import torch

from mi.subjects import sites as sites_module
from mi.subjects import subject as subject_module
from mi.subjects.gates import Exam, GateFailed, check_subject, examine
from mi.subjects.load import load_hf
from mi.subjects.sites import Hooks, Place
from mi.subjects.tokens import TokenBatch, Vocabulary

BROKEN = {}


def broken(architecture, gate, *failing, **settings):
    """Register a bug: planted in this architecture, run by this gate, which must report these as failed."""

    def register(plant):
        BROKEN[plant.__name__] = (architecture, gate, failing, settings, plant)
        return plant

    return register


# ---- forward parity


@broken("neox", "causality", "causality-short", "causality-long")
def finite_causal_mask(subject, monkeypatch):
    subject.hf.config._attn_implementation = "eager"
    for layer in subject.hf.gpt_neox.layers:

        def attend(x, attention_mask=None, *, inner=layer.attention.forward, **rest):
            return inner(x, attention_mask.clamp(min=-4), **rest)

        monkeypatch.setattr(layer.attention, "forward", attend)


@broken("gemma2", "hugging-face", "logits-long", "residual-long", "parts-long")
def swapped_sliding_layers(subject, monkeypatch):
    kinds = subject.hf.config.layer_types
    monkeypatch.setattr(subject.hf.config, "layer_types", [*kinds[1:], kinds[0]])


@broken("gpt2", "hugging-face", "logits-short", "logits-long")
def another_gelu(subject, monkeypatch):
    for block in subject.hf.transformer.h:
        monkeypatch.setattr(block.mlp, "act", torch.nn.GELU(approximate="none"))


@broken("gemma2", "hugging-face", "logits-short", "logits-long")
def no_soft_cap(subject, monkeypatch):
    monkeypatch.setattr(subject.hf.config, "final_logit_softcapping", None)


@broken("llama", "hugging-face", "logits-short", "residual-short")
def another_rotary_base(subject, monkeypatch):
    subject.hf.model.rotary_emb.inv_freq.mul_(0.9)


@broken("llama", "weights", "weights")
def weights_nudged_by_one_bit(subject, monkeypatch):
    with torch.no_grad():
        weight = subject.hf.model.layers[2].mlp.up_proj.weight
        weight[0, 0] = weight[0, 0].nextafter(torch.tensor(9.0))


@broken("llama", "weights", "weights")
def a_randomised_copy_that_is_none(subject, monkeypatch):
    subject.spec = subject.spec | {"weights": "permute", "weights_seed": 1}


@broken("llama", "weights", "weights", weights="reinit")
def one_draw_for_all_matrices(subject, monkeypatch):
    layers = subject.hf.model.layers
    with torch.no_grad():
        layers[1].mlp.up_proj.weight.copy_(layers[0].mlp.up_proj.weight)


@broken("gpt2", "transformer-lens", "transformer-lens-short", "transformer-lens-long")
def another_epsilon(subject, monkeypatch):
    _ = subject.sites
    for block in subject.hf.transformer.h:
        monkeypatch.setattr(block.ln_2, "eps", 0.1)


# ---- sites


@broken("llama", "hugging-face", "parts-short")
def hook_one_layer_too_late(subject, monkeypatch):
    later = {f"blocks.1.{kind}": subject.places[f"blocks.2.{kind}"] for kind in ("hook_mlp_out", "mlp.hook_out")}
    subject.places.update(later)


@broken("neox", "hugging-face", "residual-short")
def output_hook_on_the_input(subject, monkeypatch):
    subject.places["blocks.1.hook_resid_post"] = subject.places["blocks.1.hook_resid_pre"]


@broken("gemma2", "transformer-lens", "transformer-lens-short")
def read_before_the_norm_after_the_mlp(subject, monkeypatch):
    subject.places["blocks.1.hook_mlp_out"] = subject.places["blocks.1.mlp.hook_out"]


@broken("llama", "hugging-face", "parts-short")
def mlp_read_before_its_norm(subject, monkeypatch):
    subject.places["blocks.1.mlp.hook_in"] = Place("model.layers.1.post_attention_layernorm", "in")


@broken("neox", "census", "census")
def a_site_that_never_comes_by(subject, monkeypatch):
    subject.places["blocks.1.hook_mlp_out"] = Place("gpt_neox.layers.1.post_mlp_dropout.nowhere", "out")
    subject.hf.gpt_neox.layers[1].post_mlp_dropout.add_module("nowhere", torch.nn.Identity())


@broken("neox", "effect", "connected", "effect")
def detached_hook(subject, monkeypatch):
    original = Hooks._visitor

    def visitor(self, site, read, edit, stop):
        visit = original(self, site, read, edit, stop)
        return lambda value: visit(value) and None if edit is None else (visit(value), None)[1]

    monkeypatch.setattr(Hooks, "_visitor", visitor)


@broken("neox", "effect", "effect")
def edit_applied_twice(subject, monkeypatch):
    original = Hooks._visitor

    def visitor(self, site, read, edit, stop):
        visit = original(self, site, read, edit, stop)

        def again(value):
            new = visit(value)
            return None if new is None else new + (new - value)

        return again

    monkeypatch.setattr(Hooks, "_visitor", visitor)


@broken("llama", "effect", "spill", "effect")
def edit_at_every_position(subject, monkeypatch):
    original = subject.forward

    def forward(batch, reads=None, edits=None, stop=False):
        def everywhere(edit):
            return lambda x: x + (edit(x.clone()) - x).sum((0, 1))

        return original(batch, reads, {site: everywhere(edit) for site, edit in (edits or {}).items()}, stop)

    monkeypatch.setattr(subject, "forward", forward)


@broken("llama", "identity", "identity")
def an_edit_that_rounds(subject, monkeypatch):
    original = Hooks._visitor

    def visitor(self, site, read, edit, stop):
        visit = original(self, site, read, edit, stop)

        def rounded(value):
            new = visit(value)
            return None if new is None else new.bfloat16().float()

        return rounded

    monkeypatch.setattr(Hooks, "_visitor", visitor)


@broken("gpt2", "aliasing", "aliasing")
def saved_without_a_copy(subject, monkeypatch):
    monkeypatch.setattr(subject_module, "_keep", lambda kept, site: lambda value: kept.__setitem__(site, value))


@broken("gpt2", "aliasing", "aliasing")
def saved_into_one_buffer(subject, monkeypatch):
    buffers = {}

    def keep(kept, site):
        def read(value):
            buffer = buffers.setdefault((site, value.shape[-1]), torch.empty(64 * 64, value.shape[-1]))
            kept[site] = buffer[: value.shape[0] * value.shape[1]].view(value.shape).copy_(value)

        return read

    monkeypatch.setattr(subject_module, "_keep", keep)


# ---- tokens and masks


def with_inputs(subject, monkeypatch, change):
    original = subject.inputs
    monkeypatch.setattr(subject, "inputs", lambda batch: change(original(batch)))


@broken("llama", "padding", "padding-side")
def the_side_of_padding_is_lost(subject, monkeypatch):
    of = TokenBatch.of.__func__
    right = classmethod(lambda cls, rows, pad, side="right", excluded=(): of(cls, rows, pad, "right", excluded))
    monkeypatch.setattr(TokenBatch, "of", right)


@broken("gpt2", "padding", "padding", "padding-content")
def padding_attended(subject, monkeypatch):
    def change(inputs):
        return inputs | {"attention_mask": torch.ones_like(inputs["attention_mask"])}

    with_inputs(subject, monkeypatch, change)


@broken("gpt2", "padding", "padding")
def positions_counted_from_the_padding(subject, monkeypatch):
    with_inputs(subject, monkeypatch, lambda inputs: {k: v for k, v in inputs.items() if k != "position_ids"})


@broken("neox", "padding", "padding")
def mask_of_the_first_row_for_all(subject, monkeypatch):
    def change(inputs):
        return inputs | {"attention_mask": inputs["attention_mask"][:1].expand_as(inputs["attention_mask"])}

    with_inputs(subject, monkeypatch, change)


@broken("neox", "padding", "last-token")
def last_column_for_last_token(subject, monkeypatch):
    monkeypatch.setattr(TokenBatch, "last", lambda self: torch.full((len(self),), self.ids.shape[1] - 1))


@broken("neox", "company", "company")
def answers_in_another_order(subject, monkeypatch):
    original = subject.forward

    def forward(batch, reads=None, edits=None, stop=False):
        logits = original(batch, reads, edits, stop)
        return logits.flip(0) if len(logits) == 2 else logits

    monkeypatch.setattr(subject, "forward", forward)


@broken("neox", "company", "company")
def statistics_shared_by_a_batch(subject, monkeypatch):
    norm = subject.hf.gpt_neox.layers[2].input_layernorm
    norm.register_forward_hook(lambda module, args, out: out + 0.01 * out.mean((0, 1)))


def with_vocabulary(subject, **methods):
    changed = type("Changed", (Vocabulary,), methods)
    fields = {name: getattr(subject.vocabulary, name) for name in Vocabulary.__dataclass_fields__}
    subject.vocabulary = changed(**fields)


def rows_changed(change):
    def rows(self, texts, max_length, spans=False):
        return [row and change(row) for row in Vocabulary.rows(self, texts, max_length, spans)]

    return rows


@broken("neox", "bos", "bos")
def bos_missing(subject, monkeypatch):
    strip = rows_changed(lambda row: replace(row, ids=row.ids[1:], scored=row.scored[1:]))
    with_vocabulary(subject, rows=strip, check=lambda self, batch: None)


@broken("neox", "bos", "bos")
def bos_doubled(subject, monkeypatch):
    double = rows_changed(lambda row: replace(row, ids=(0, *row.ids), scored=(False, *row.scored)))
    with_vocabulary(subject, rows=double, check=lambda self, batch: None)


@broken("neox", "bos", "bos")
def bos_of_the_text_kept(subject, monkeypatch):
    def encode(self, texts, max_length, spans=False):
        found = Vocabulary.rows(self, texts, max_length, spans)
        bos = self.tokenizer.bos_token
        return [
            replace(row, ids=(0, *row.ids), scored=(False, *row.scored)) if text.startswith(bos) else row
            for row, text in zip(found, texts, strict=True)
        ]

    with_vocabulary(subject, rows=encode)


@broken("neox", "bos", "bos")
def bos_scored(subject, monkeypatch):
    with_vocabulary(subject, rows=rows_changed(lambda row: replace(row, scored=(True, *row.scored[1:]))))


@broken("neox", "bos", "bos")
def column_zero_dropped_under_left_padding(subject, monkeypatch):
    original = TokenBatch.of.__func__

    def of(cls, rows, pad_id, side="right", excluded=()):
        batch = original(cls, rows, pad_id, side, excluded)
        scored = batch.attend.clone()
        scored[:, 0] = False
        return replace(batch, scored=scored)

    monkeypatch.setattr(TokenBatch, "of", classmethod(of))


@broken("neox", "bos", "bos")
def bos_removed_before_the_model_runs(subject, monkeypatch):
    original = subject.tokens

    def tokens(*args, **kwargs):
        batch = original(*args, **kwargs)
        rows = [replace(row, ids=row.ids[1:], scored=row.scored[1:]) for row in batch.rows]
        return TokenBatch.of(rows, batch.pad_id, "right", batch.excluded)

    monkeypatch.setattr(subject, "tokens", tokens)


@broken("neox", "bos", "bos")
def padding_id_beyond_the_vocabulary(subject, monkeypatch):
    subject.vocabulary = replace(subject.vocabulary, pad=subject.vocabulary.size)


@pytest.mark.parametrize("name", BROKEN)
def test_the_gate_fails(name, subject_of, texts, monkeypatch):
    architecture, gate, failing, settings, plant = BROKEN[name]
    subject = subject_of(architecture, **settings)
    sites = ("blocks.1.mlp.hook_in", "blocks.1.hook_mlp_out", "blocks.1.hook_resid_post", "blocks.2.hook_resid_pre")
    reference = load_hf(subject.spec)
    assert all(r.ok for r in examine(Exam(subject, reference, sites, texts), [gate]))
    plant(subject, monkeypatch)
    found = {r.name: r for r in examine(Exam(subject, reference, sites, texts), [gate])}
    assert {name for name, report in found.items() if not report.ok} >= set(failing), [str(r) for r in found.values()]


def test_a_failed_gate_is_an_error_that_says_what_was_compared(subject_of, texts, monkeypatch):
    subject = subject_of("gemma2")
    swapped_sliding_layers(subject, monkeypatch)
    with pytest.raises(GateFailed, match=r"(?s)failed 3 of .*logits-long: FAILED.*24 tokens \(window 8\): .*tolerance"):
        check_subject(subject, texts, ["blocks.1.hook_mlp_out"], gates=["hugging-face", "causality", "weights", "bos"])


def test_the_mutants_are_silent(subject_of, texts):
    """All but those that the subject itself refuses run, and give finite numbers."""
    refused = {"a_site_that_never_comes_by"}
    tokens = {name for name, (_, gate, *_) in BROKEN.items() if gate == "bos"}
    for name, (architecture, _, _, settings, plant) in BROKEN.items():
        if name in refused | tokens:
            continue
        with pytest.MonkeyPatch.context() as patch:
            subject = subject_of(architecture, **settings)
            batch = subject.tokens(texts, 24)
            plant(subject, patch)
            logits, acts = subject.run(batch, ["blocks.1.hook_mlp_out"], {"blocks.1.hook_mlp_out": lambda x: x})
            assert logits.isfinite().all(), name
            assert acts["blocks.1.hook_mlp_out"].isfinite().all(), name


def test_below_the_window_swapped_layers_cannot_be_seen(subject_of, texts, monkeypatch):
    subject = subject_of("gemma2")
    swapped_sliding_layers(subject, monkeypatch)
    exam = Exam(subject, load_hf(subject.spec), ("blocks.1.hook_mlp_out",), texts)
    found = {r.name: r.ok for r in examine(exam, ["hugging-face"])}
    assert found["logits-short"]
    assert not found["logits-long"]


def test_a_gate_that_cannot_be_run_has_failed(subject_of, texts, monkeypatch):
    subject = subject_of("neox")
    exam = Exam(subject, load_hf(subject.spec), ("blocks.1.hook_mlp_out",), texts)
    monkeypatch.setattr(subject, "forward", lambda *args, **kwargs: 1 / 0)
    (report,) = examine(exam, ["causality"])
    assert not report.ok
    assert "ZeroDivisionError" in report.compared


def test_nothing_that_is_not_a_number_passes(subject_of, texts):
    subject = subject_of("neox")
    with torch.no_grad():
        subject.hf.gpt_neox.layers[3].mlp.dense_4h_to_h.bias[0] = float("nan")
    with pytest.raises(GateFailed):
        check_subject(subject, texts, ["blocks.1.hook_mlp_out"], reference=subject.hf)


def test_hooks_in_use_are_those_of_the_module():
    assert sites_module.Hooks is Hooks
