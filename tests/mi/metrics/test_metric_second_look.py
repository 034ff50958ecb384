"""The second count: it agrees with the first one, and not with any of the ways to get the first one wrong."""

import numpy as np
import pytest
import torch

from mi.activations.read import Activations
from mi.metrics.firing import Firing
from mi.metrics.second_look import SecondLook, require_documents
from mi.metrics.squared_errors import Mean, SquaredErrors
from mi.refusal import Refusal

N, D = 500, 5
DOCUMENT = np.sort(np.random.default_rng(0).integers(0, 12, N))


@pytest.fixture
def counted():
    """``(look, columns, facts, mean, rows)`` of three batches."""
    g = torch.Generator().manual_seed(0)
    y = torch.randn(N, D, generator=g) * 3 + 40
    z = torch.randn(N, 9, generator=g).relu()
    z[:, 0] = 0
    mean = Mean()
    mean.add(y)
    errors, firing, look = (
        SquaredErrors(mean.value, [f"d{k}" for k in range(12)]),
        Firing(torch.ones(9, D)),
        SecondLook(),
    )
    for part in np.array_split(np.arange(N), 3):
        made = y[part] + 0.1
        errors.add(y[part], made, DOCUMENT[part], **firing.add(z[part]))
        look.add(y[part], made, z[part])
    return look, errors.sums.columns(), firing.facts(), errors.mean, y


def test_both_counts_agree(counted):
    look, columns, facts, mean, _ = counted
    look.require_mean(mean)
    look.require_totals(columns, facts)


def test_a_mean_of_other_rows_is_refused(counted):
    look, _, _, mean, y = counted
    for wrong in (y[-100:].mean(0).double(), mean * N / 3, mean * 0):
        with pytest.raises(Refusal, match="away from that of the 500 rows"):
            look.require_mean(wrong)


@pytest.mark.parametrize("name", ["n_tokens", "sse", "sst", "l0_sum"])
def test_sums_that_do_not_add_up_are_refused(counted, name):
    look, columns, facts, _, _ = counted
    with pytest.raises(Refusal, match=f"{name} of"):
        look.require_totals({**columns, name: columns[name] * 1.001}, facts)


def test_latents_that_fired_are_alive(counted):
    look, columns, facts, _, _ = counted
    assert facts["alive"] == 8
    with pytest.raises(Refusal, match="alive latents of 7"):
        look.require_totals(columns, {**facts, "alive": 7})


def test_documents_are_those_of_the_files(counted, tmp_path, write_activations):
    _, columns, _, mean, y = counted
    rows = Activations(write_activations(tmp_path / "a", {"s": y}, DOCUMENT))
    units = rows.documents
    require_documents(rows, "s", mean, units, columns)
    with pytest.raises(Refusal, match="10 documents in the table"):
        require_documents(rows, "s", mean, units[:10], columns)
    swapped = {name: np.roll(values, 1) for name, values in columns.items()}
    with pytest.raises(Refusal, match="document 'doc0' with"):
        require_documents(rows, "s", mean, units, swapped)
