"""One card as the page has it."""

import pytest
from kept_cards import card, window

from ledger.errors import LedgerError
from ledger.report.island import encode
from ledger.report.latent_card import card_record, scorer_text
from ledger.report.packed_windows import PackedWindows


def test_a_card_as_the_page_has_it():
    windows = PackedWindows()
    found = card_record(card(), windows)
    assert found == {
        "latent": 7,
        "coder": "sae",
        "chosen": "registered sample 0123456789ab: 3 of 512 latents",
        "dead": False,
        "facts": [["hook point", "blocks.2.hook_resid_post"], ["scorer", "chat, model small, max_tokens 9"]],
        "own": [["fires on", "1.23 % of the tokens of the training texts"]],
        "said": "nurses",
        "scores": [
            ["detection", "0.812", "[0.700, 0.900]", "10 % of 40"],
            ["detection, shuffled", "not measurable", "–", "– of 0"],
        ],
        "strongest": 2.0,
        "histogram": [0, 0, 1, 0, 0, 0, 0, 0, 0, 1],
        "top": 4.0,
        "label": "2 windows: 0 up to 0.4, 0 up to 0.8, 1 up to 1.2, 0 up to 1.6, 0 up to 2, 0 up to 2.4, "
        "0 up to 2.8, 0 up to 3.2, 0 up to 3.6, 1 up to 4",
        "groups": [["strongest", [0, 1], " with decile 1"], ["decile 2", [2], " 1 of 2 are above"]],
    }


def test_how_a_latent_was_chosen_is_never_made_up():
    without = card()
    del without["chosen"]
    assert card_record(without, PackedWindows())["chosen"] is None


def test_why_there_is_no_explanation():
    silent = card(explanation="", unexplained="no answer that could be read")
    assert card_record(silent, PackedWindows())["said"] == "none: no answer that could be read"


def test_a_scorer_in_words():
    assert scorer_text({"kind": "lexical"}) == "lexical"
    assert scorer_text({"kind": "lexical", "tokens": 1}) == "lexical, tokens 1"
    assert scorer_text("by hand") == "by hand"


def test_folders_of_somebody_go_home(tmp_path):
    found = card_record(
        card(explanation="/home/ada/texts", contexts=[{"name": "x", "windows": [window("/home/ada/x")]}]),
        w := PackedWindows(),
    )
    assert found["said"] == "~/texts"
    assert w.content()["vocabulary"] == ["~/x"]


def test_two_hundred_cards_of_20_contexts_of_48_tokens():
    packed, cards = PackedWindows(), []
    for k in range(200):
        windows = [
            window(
                *(f" t{(k * 7919 + i * 104729 + j * j) % 20_000}" for j in range(48)),
                activations=[float(i + j % 5) for j in range(48)],
            )
            for i in range(1, 21)
        ]
        cards.append(card_record(card(contexts=[{"name": "strongest", "windows": windows}]), packed))
    assert len(packed.content()["lengths"]) == 4000
    assert len(encode(packed.content())) <= 1_050_000
    assert len(encode(cards)) <= 200_000


def test_a_refusal_does_not_repeat_the_key():
    with pytest.raises(LedgerError) as caught:
        card_record(card(explanation="sk-" + "z" * 30), PackedWindows())
    assert "zzz" not in str(caught.value)
