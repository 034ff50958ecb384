"""Windows packed and read again: nothing is lost that the page shows."""

import base64
import json
import struct

from hypothesis import given
from hypothesis import strategies as st

from ledger.report.island import encode
from ledger.report.packed_windows import LONGEST, STEPS, PackedWindows, Window


def unpacked(content):
    """``[(tokens, activations), ...]``, as latents.js reads them."""
    ids = base64.b64decode(content["ids"])
    ids = struct.unpack(f"<{len(ids) * 8 // content['bits']}{'H' if content['bits'] == 16 else 'I'}", ids)
    levels = base64.b64decode(content["levels"])
    found, at = [], 0
    for n, peak in zip(content["lengths"], content["peaks"], strict=True):
        values = [level / STEPS * peak for level in levels[at : at + n]]
        found.append(([content["vocabulary"][i] for i in ids[at : at + n]], values))
        at += n
    assert at == len(ids) == len(levels)
    return found


@given(
    st.lists(
        st.lists(st.tuples(st.text(max_size=4), st.floats(0, 1e6)), min_size=1, max_size=30),
        max_size=12,
    )
)
def test_packing_keeps_tokens_and_activations(lists):
    windows = [Window(*map(tuple, zip(*pairs, strict=True))) for pairs in lists]
    packed = PackedWindows()
    places = [packed.add(w) for w in windows]
    found = unpacked(json.loads(encode(packed.content())))
    for w, place in zip(windows, places, strict=True):
        tokens, values = found[place]
        assert tuple(tokens) == w.tokens
        for a, value in zip(w.activations, values, strict=True):
            assert (a == 0) == (value == 0) or max(w.activations) < 1e-300
            assert abs(a - value) <= max(w.activations) * (1.01 / STEPS + 1e-3)


def test_the_same_window_is_kept_once():
    packed = PackedWindows()
    w = Window(("a", "b"), (0.0, 1.0))
    assert [packed.add(w), packed.add(Window(("a", "b"), (0.0, 2.0))), packed.add(w)] == [0, 1, 0]
    assert len(packed.content()["lengths"]) == 2


def test_a_vocabulary_beyond_16_bits():
    packed = PackedWindows()
    for k in range(70):
        packed.add(Window(tuple(f"{k}.{i}" for i in range(1000)), (1.0,) * 1000))
    content = packed.content()
    assert content["bits"] == 32
    assert unpacked(content)[69][0][999] == "69.999"


def test_a_long_token_is_cut_with_its_length():
    packed = PackedWindows()
    packed.add(Window(("x" * 10_000, "y" * LONGEST), (1.0, 0.0)))
    assert packed.content()["vocabulary"] == [["x" * LONGEST, 10_000], "y" * LONGEST]


def test_no_token_can_end_the_island():
    packed = PackedWindows()
    hostile = (
        "</script><script>alert(1)</script>",
        "<!--<script>",
        "<img src=x onerror=alert(1)>",
        "\u202egpj.exe",
        "\u2028",
    )
    packed.add(Window(hostile, (1.0,) * 5))
    text = encode(packed.content())
    assert "<" not in text
    assert text.isascii()
    assert tuple(unpacked(json.loads(text))[0][0]) == hostile
