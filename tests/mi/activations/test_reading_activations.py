import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from mi.activations.harvest import harvest
from mi.activations.read import Activations, assert_disjoint
from mi.progress import SILENT
from mi.refusal import Refusal

SITES = ["blocks.0.hook_mlp_out", "blocks.2.hook_resid_pre"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory, tiny_spec, some_sentences):
    """A harvest of 15 shards, made by hand so that rows can be told apart: about 3000 rows."""
    out = tmp_path_factory.mktemp("harvest")
    texts = tmp_path_factory.mktemp("texts")
    lines = [{"id": f"d{i}", "text": t, "domain": "x"} for i, t in enumerate(some_sentences(300))]
    (texts / "documents.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    harvest(out, progress=SILENT, texts=texts, subject=tiny_spec(), sites=SITES, max_length=32, shard_rows=200)
    return out


@pytest.fixture
def activations(folder):
    return Activations(folder)


def keys(batches):
    return [tuple(row) for b in batches for row in torch.stack([b["document"], b["position"]], -1).tolist()]


def test_in_order_every_row_comes_once(activations):
    rows = keys(activations.ordered(SITES, 64))
    assert rows == sorted(set(rows))
    assert len(rows) == activations.n_rows
    assert len(activations.index["rows"]) > 5


@pytest.mark.parametrize("size", [1, 7, 64, 199, 5000])
def test_unshuffled_batches_are_the_rows_in_order(activations, size):
    batches = list(activations.batches(SITES[0], size))
    assert [len(b[SITES[0]]) for b in batches[:-1]] == [size] * (len(batches) - 1)
    wanted = torch.cat([b[SITES[0]] for b in activations.ordered(SITES[0], 64)])
    assert torch.cat([b[SITES[0]] for b in batches]).equal(wanted)


@pytest.mark.parametrize("pool", [None, 400, 1])
@pytest.mark.parametrize("size", [1, 64, 333])
def test_shuffled_every_row_comes_once_an_epoch_with_all_its_sites(activations, size, pool):
    wanted = {k: i for i, k in enumerate(keys(activations.ordered(SITES, 64)))}
    values = {s: torch.cat([b[s] for b in activations.ordered(SITES, 64)]) for s in SITES}
    names = (*SITES, "document", "position")
    epochs = list(activations.batches(names, size, shuffle_seed=3, epochs=2, pool_rows=pool))
    sizes = [len(b["document"]) for b in epochs]
    per_epoch = -(-activations.n_rows // size)
    assert len(sizes) == 2 * per_epoch
    assert sizes[: per_epoch - 1] == [size] * (per_epoch - 1)
    for part in (epochs[:per_epoch], epochs[per_epoch:]):
        order = [wanted[k] for k in keys(part)]
        assert sorted(order) == list(range(activations.n_rows))
        for site in SITES:
            assert torch.cat([b[site] for b in part]).equal(values[site][order])
    assert keys(epochs[:per_epoch]) != keys(epochs[per_epoch:])


def test_the_seed_decides_the_order_and_nothing_else_does(activations):
    def order(seed):
        return keys(activations.batches(("document", "position"), 64, shuffle_seed=seed))

    torch.manual_seed(1)
    first = order(5)
    torch.manual_seed(2)
    assert order(5) == first
    assert order(6) != first
    assert torch.initial_seed() == 2


def correlation_of_neighbours(activations, **settings):
    """Of document numbers of rows that come one after the other: 1 in order, 0 when mixed well."""
    rows = torch.tensor([d for d, _ in keys(activations.batches(("document", "position"), 64, **settings))]).double()
    return float(torch.corrcoef(torch.stack([rows[1:], rows[:-1]]))[0, 1])


def test_shuffling_mixes(activations):
    assert correlation_of_neighbours(activations) > 0.99
    assert abs(correlation_of_neighbours(activations, shuffle_seed=1)) < 0.08
    # With a pool of a third of the rows, neighbours still come from all over it.
    assert abs(correlation_of_neighbours(activations, shuffle_seed=1, pool_rows=1000)) < 0.5


def test_an_unknown_site_is_named(activations):
    with pytest.raises(Refusal, match="some of blocks"):
        next(activations.batches("blocks.9.hook_mlp_out", 4))


@pytest.fixture
def copy(folder, tmp_path):
    import shutil

    return shutil.copytree(folder, tmp_path / "copy")


def test_a_missing_or_cut_shard_is_found_on_opening(copy):
    shard = copy / "shard-00001.safetensors"
    data = shard.read_bytes()
    shard.write_bytes(data[:-100])
    with pytest.raises(Refusal, match="shard 1"):
        Activations(copy)
    shard.unlink()
    with pytest.raises(Refusal, match="shard 1"):
        Activations(copy)


def test_a_shard_with_other_rows_is_found_on_opening(copy):
    shard = copy / "shard-00002.safetensors"
    save_file({name: tensor[1:] for name, tensor in load_file(shard).items()}, shard)
    with pytest.raises(Refusal, match="shard 2"):
        Activations(copy)


def test_a_flipped_byte_is_found_on_verifying(copy):
    shard = copy / "shard-00000.safetensors"
    data = bytearray(shard.read_bytes())
    data[-1] ^= 1
    shard.write_bytes(bytes(data))
    with pytest.raises(Refusal, match="shard 0 was altered"):
        Activations(copy).verify()


def test_lists_of_another_length_are_found(copy):
    (copy / "domains.json").write_text("[]")
    with pytest.raises(Refusal, match="0 entries in domains"):
        _ = Activations(copy).domains


def test_a_folder_without_an_index_is_no_harvest(tmp_path):
    with pytest.raises(Refusal, match="a finished harvest"):
        Activations(tmp_path)


def test_disjoint_by_id_and_by_text(tmp_path, tiny_spec, write_texts, some_sentences):
    def make(name, texts, prefix):
        out = tmp_path / f"acts-{name}"
        out.mkdir()
        source = write_texts(texts, name, prefix)
        harvest(out, progress=SILENT, texts=source, subject=tiny_spec(), sites=SITES[:1])
        return Activations(out)

    a, b = make("a", some_sentences(5), "a"), make("b", some_sentences(5, 100), "b")
    assert_disjoint(a, b)
    with pytest.raises(Refusal, match="document ids in both"):
        assert_disjoint(a, make("c", some_sentences(5, 200), "a"))
    with pytest.raises(Refusal, match="1 document texts in both"):
        assert_disjoint(a, make("d", [*some_sentences(4, 300), f" {some_sentences(1)[0]}\n"], "d"))
