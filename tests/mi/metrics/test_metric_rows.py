"""Streaming rows without cutting documents."""

import numpy as np
import pytest
import torch

from mi.activations.read import Activations
from mi.metrics.rows import coded, ordered, whole_documents
from mi.refusal import Refusal

DOCUMENT = np.repeat([0, 1, 2, 4, 5, 6], [3, 1, 12, 5, 2, 7])


@pytest.fixture
def acts(tmp_path, write_activations, sites):
    values = {sites[1]: torch.arange(30.0)[:, None] * torch.ones(30, 4)}
    return Activations(write_activations(tmp_path / "a", values, DOCUMENT, token=range(30), shards=4))


@pytest.mark.parametrize("size", [1, 2, 5, 7, 1000])
def test_documents_come_whole_and_every_row_once(acts, sites, size):
    batches = list(whole_documents(acts, [sites[1]], size))
    assert np.concatenate([b.token for b in batches]).tolist() == list(range(30))
    assert torch.cat([b.sites[sites[1]] for b in batches])[:, 0].tolist() == list(range(30))
    owners = [set(b.document.tolist()) for b in batches]
    assert sum(map(len, owners)) == len(set.union(*owners)) == 6
    assert max(len(b.document) for b in batches) < size + 12


def test_a_document_that_comes_back_is_refused(tmp_path, write_activations, sites):
    document = np.array([0] * 4 + [1] * 4 + [0] * 4)
    acts = Activations(write_activations(tmp_path / "a", {sites[1]: torch.randn(12, 4)}, document))
    for size in (2, 5, 100):
        with pytest.raises(Refusal, match="document 0 in two places"):
            list(whole_documents(acts, [sites[1]], size))


def test_a_common_first_word_in_a_few_documents_is_not_taken_for_bos(tmp_path, write_activations, sites):
    document = np.repeat(range(6), 3)
    position = [0, 1, 2] * 6
    values = {sites[1]: torch.randn(18, 4)}
    token = [[7, 1, 1], [8, 1, 1]] * 3
    varied = write_activations(
        tmp_path / "a", values, document, position=position, token=[t for row in token for t in row]
    )
    assert len(list(ordered(Activations(varied), [sites[1]], 5))) > 1
    same = write_activations(tmp_path / "b", values, document, position=position)
    with pytest.raises(Refusal, match="token 7 at position 0 of all 6 documents"):
        list(ordered(Activations(same), [sites[1]], 5))


def test_a_coder_sees_its_input_and_its_target(tmp_path, write_activations, make_coder, sites):
    values = {sites[0]: torch.rand(12, 3), sites[1]: torch.rand(12, 4)}
    acts = Activations(write_activations(tmp_path / "a", values, np.repeat(range(4), 3)))
    coder = make_coder(torch.rand(5, 3), torch.rand(5, 4), sites=sites)
    batches = list(coded(acts, coder, 5))
    assert torch.equal(torch.cat([b.target for b in batches]), values[sites[1]])
    torch.testing.assert_close(torch.cat([b.latents for b in batches]), coder.encode(values[sites[0]]))
    torch.testing.assert_close(torch.cat([b.reconstruction for b in batches]), coder.reconstruct(values[sites[0]]))
