"""Portability: sums in another order stay far below the bound of the claim, another precision does not."""

import numpy as np
import pytest
import torch

from mi.claimable import Sample, mean, ratio_difference
from mi.metrics import portability as module
from mi.metrics.portability import portability
from mi.progress import SILENT
from mi.refusal import Refusal
from mi.subjects.spec import subject_spec
from mi.subjects.subject import Subject
from mi.texts import world
from mi.unit_table import UnitTable

BOUND = 0.001  # of claims/portability.yaml


class InHalf(Subject):
    """A device that multiplies in bfloat16."""

    def forward(self, *given, **more):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return super().forward(*given, **more)


class Wandering(Subject):
    """A device that is wrong by as much upwards as downwards: logits 5 % too large and too small in turn."""

    def forward(self, batch, *given, **more):
        logits = super().forward(batch, *given, **more)
        if logits.ndim < 3:
            return logits
        sign = 1 - 2 * (torch.arange(len(batch)) % 2)
        return logits * (1 + 0.05 * sign[:, None, None])


@pytest.fixture(scope="module")
def world_texts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    world(folder, progress=SILENT, split="held-out", seed=1, n=40)
    return folder


@pytest.fixture
def compare(tmp_path, world_texts, monkeypatch):
    """The table of the organism, with a device of this kind in place of the CPU."""

    def run(kind=Subject, **options):
        load = module.load_subject
        made = []

        def instead(spec):
            found = load(spec)
            made.append(found)
            if len(made) == 1:  # the reference
                return found
            return kind(found.spec, found.hf, found.vocabulary, found.folder, found.tokenizer_digest)

        with monkeypatch.context() as patch:
            patch.setattr(module, "load_subject", instead)
            out = tmp_path / f"out{len(list(tmp_path.iterdir()))}"
            out.mkdir()
            options = {"texts": world_texts, "subject": subject_spec("organism"), "max_length": 64, **options}
            portability(out, progress=SILENT, site="blocks.2.hook_resid_post", **options)
        return UnitTable.read(out)

    return run


def gap(table):
    return mean(Sample(table.column("loss_gap"), table.units, unit="document")).interval(0.95)


def test_another_order_of_sums_moves_no_loss(compare):
    table = compare()
    assert len(table.units) == 40
    assert gap(table).hi < BOUND / 100
    assert table.facts["largest_residual_gap"] < 1e-5
    assert table.facts["largest_loss_gap"] > 0  # another way of computing it, and not the same one twice


def test_the_losses_are_those_of_the_documents(compare, world_texts):
    from mi.metrics.next_token_loss import next_token_losses
    from mi.subjects.load import load_subject
    from mi.texts import Texts

    table, model = compare(), load_subject(subject_spec("organism"))
    for document in Texts(world_texts).head(5):
        batch = model.tokens([document["text"]], 64)
        losses = next_token_losses(model.logits(batch), batch.ids, batch.scored)
        at = table.units.index(document["id"])
        assert table.column("loss")[at] == pytest.approx(losses.values.mean(), abs=1e-5)
        assert table.column("loss_reference")[at] == pytest.approx(losses.values.mean(), abs=1e-5)


def test_bfloat16_is_beyond_the_bound(compare):
    table = compare(InHalf)
    assert gap(table).lo > BOUND
    assert table.facts["largest_residual_gap"] > 1e-3
    # The sign has to go: with it, errors of a device this coarse nearly cancel.
    signed = table.column("loss") - table.column("loss_reference")
    assert abs(signed.mean()) < 0.5 * np.abs(signed).mean()


def test_errors_of_both_signs_do_not_cancel(compare):
    assert gap(compare(Wandering)).lo > BOUND


def test_a_spec_in_bfloat16_is_compared_with_float32(compare):
    assert gap(compare(subject=subject_spec("organism", dtype="bfloat16"))).lo > BOUND


def test_a_coder_is_compared_too(compare, tmp_path, write_coders, make_coder):
    draw = torch.Generator().manual_seed(0)
    matrix = torch.randn(96, 128, generator=draw) / 10
    site = "blocks.2.hook_resid_post"
    bundle = write_coders(tmp_path / "bundle", it=make_coder(matrix, matrix, sites=(site, site)))
    found = {}
    for kind in (Subject, InHalf):
        table = compare(kind, coders=bundle, coder="it")
        arms = (table.column(name) for name in ("sse", "sst", "sse_reference", "sst"))
        found[kind] = ratio_difference(*arms, table.units, unit="document").interval(0.95)
    assert max(abs(found[Subject].lo), abs(found[Subject].hi)) < 1e-5
    assert max(abs(found[InHalf].lo), abs(found[InHalf].hi)) > 1e-4


def test_threads_are_as_before(compare):
    before = torch.get_num_threads()
    compare(max_documents=3)
    assert torch.get_num_threads() == before


def test_what_cannot_be_compared_is_refused(compare, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty/documents.jsonl").write_text('{"id": "a", "text": "", "domain": "x"}\n')
    with pytest.raises(Refusal, match="without a predicted token"):
        compare(texts=tmp_path / "empty")
    with pytest.raises(Refusal, match="both or neither"):
        compare(coder="it")
