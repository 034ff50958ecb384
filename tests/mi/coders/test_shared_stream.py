"""SharedStream: every reader gets every batch, in order, from one reading."""

import threading
import time

import pytest
import torch
from coder_samples import OTHER, SITE, SITE_IN

from mi.coders.coder import CoderFault
from mi.coders.stream import AHEAD, SharedStream, training_batches


def numbered(n, seen=None):
    for i in range(n):
        if seen is not None:
            seen.append(i)
        yield {"s": torch.full((3, 1), float(i))}


def test_readers_at_different_paces_see_the_same():
    read, got = [], {0: [], 1: [], 2: []}
    stream = SharedStream(numbered(50, read), 3)

    def reader(number):
        for step in range(50):
            got[number].append(float(stream.take(number, step)["s"][0]))
            time.sleep(0.0005 * number)
        stream.leave(number)

    threads = [threading.Thread(target=reader, args=(n,)) for n in got]
    for t in threads:
        t.start()
    for t in threads:
        t.join(20)
    assert not any(t.is_alive() for t in threads)
    assert got[0] == got[1] == got[2] == list(range(50))
    assert read == list(range(50))


def test_the_fastest_waits():
    read = []
    stream = SharedStream(numbered(100, read), 2)
    thread = threading.Thread(target=lambda: [stream.take(0, s) for s in range(100)], daemon=True)
    thread.start()
    time.sleep(0.2)
    assert len(read) == AHEAD
    for s in range(5):
        stream.take(1, s)
    time.sleep(0.2)
    assert len(read) == AHEAD + 5
    stream.leave(1)
    thread.join(20)
    assert len(read) == 100


def test_steps_out_of_turn_and_the_end():
    stream = SharedStream(numbered(2), 1)
    stream.take(0, 0)
    with pytest.raises(RuntimeError, match="skipped or repeated"):
        stream.take(0, 0)
    stream.take(0, 1)
    with pytest.raises(RuntimeError, match="ended after 2"):
        stream.take(0, 2)


def test_failure_of_one_is_told_to_the_others():
    stream = SharedStream(numbered(100), 2)
    stream.take(0, 0)
    stream.leave(1, OSError("gone"))
    with pytest.raises(RuntimeError, match="another trainer") as failure:
        stream.take(0, 1)
    assert isinstance(failure.value.__cause__, OSError)


def test_batches_are_whole_and_as_many_as_asked_for(world):
    batches = list(training_batches(world["path"], [SITE], 1000, 40, seed=0))
    assert [len(b[SITE]) for b in batches] == [1000] * 40
    seen = torch.cat([b[SITE] for b in batches[:16]])
    assert len(seen.unique(dim=0)) == 16_000  # one pass repeats nothing
    assert not torch.equal(batches[0][SITE], batches[16][SITE])


def test_rows_of_two_sites_belong_together_and_the_order_is_the_same_without_the_other(world):
    both = next(training_batches(world["path"], [SITE, SITE_IN], 500, 1, seed=0))
    alone = next(training_batches(world["path"], [SITE], 500, 1, seed=0))
    assert torch.equal(both[SITE], alone[SITE])
    torch.testing.assert_close(both[SITE], both[SITE_IN] @ world["A"].T + 1.0, rtol=1e-4, atol=1e-4)
    assert not torch.equal(alone[SITE], next(training_batches(world["path"], [SITE], 500, 1, seed=1))[SITE])


def test_sites_that_were_not_harvested(world):
    with pytest.raises(CoderFault, match=f"Expected one of .*{OTHER}"):
        next(training_batches(world["path"], ["blocks.9.hook_mlp_out"], 500, 1, seed=0))
