"""Cards behind a row: found through a real store, checked, shown without harm."""

import json
import re
import shutil
import sys
from types import ModuleType

import pytest

from ledger.card_text import SHADES, card_text, visible
from ledger.cards import Card, card_units, find_cards
from ledger.cli import main
from ledger.errors import LedgerError
from ledger.terminal import Style
from mi.autointerp.accounting import account
from mi.autointerp.cards import write_cards
from mi.autointerp.latent_examples import Example, LatentExamples
from mi.unit_table import write_units
from runners.build import build
from runners.place import FOLDER, VARIABLE
from runners.recipe import Recipe
from runners.store import Store

pytestmark = pytest.mark.usefixtures("environment_put_back")
HOSTILE = "\x1b[31m evil\u202e\u200b\r\n"
TOKENS = ("the", " nurse", HOSTILE, "»sat«")


def window(name, *activations, marks=()):
    return Example(name, TOKENS, activations, any(activations), 0 if any(activations) else None, marks)


def made(out, *, progress, coder="sae"):
    """An artifact as the interpreter leaves it: latents 7 (scored), 8 (dead) and 9 (too rare)."""
    test = (
        window("t:0", 0.0, 2.0, 0.0, 0.0, marks=(1,)),
        window("t:4", 0.0, 0.0, 1.0, 0.0, marks=(2,)),
        window("t:8", 0.0, 0.0, 0.0, 0.0, marks=(0,)),
        window("t:12", 0.0, 0.0, 0.0, 0.0, marks=(3,)),
    )
    latent = LatentExamples(7, 0.0123, (window("e:0", 0.0, 4.0, 0.0, 0.0), window("e:4", 0.8, 1.6, 0.0, 0.0)), (), test)
    answers = {"detection": (1, 0, 0, None), "fuzzing": (1, 1, 1, 1)}
    told = {kind: account([e.activating for e in test], given) for kind, given in answers.items()}
    about = {
        "coder": coder,
        "site": "blocks.2.hook_resid_post",
        "chosen": "registered sample 0123456789ab: 3 of 512 latents",
        "scorer": {"kind": "chat", "model": "small"},
        "explanation": f"Nurses {HOSTILE}",
        "scores": {k: {"score": a.score, "parse_rate": a.parse_rate, "n": a.n} for k, a in told.items()},
        "answers": answers,
    }
    write_cards(out, [latent], {7: about})
    columns = {"dead": [0.0, 1.0, 0.0], "scored": [1.0, 0.0, 0.0]}
    write_units(out, "latent", [f"{coder} {i}" for i in (7, 8, 9)], columns)


def bare(out, *, progress):
    """An artifact without cards."""
    (out / "text.txt").write_text("hello")


@pytest.fixture
def store(tmp_path, monkeypatch):
    module = ModuleType("card_builders")
    module.made, module.bare = made, bare
    monkeypatch.setitem(sys.modules, "card_builders", module)
    monkeypatch.delenv(VARIABLE, raising=False)
    return Store(tmp_path / FOLDER)


@pytest.fixture
def artifact(store):
    """``artifact(builder, **params)``: the digest of a built artifact."""
    return lambda name, **params: build(Recipe(f"card_builders:{name}", 1, params), store).digest


@pytest.fixture
def row(artifact):
    return {"artifacts": [artifact("bare"), artifact("made")]}


def shown(card, unicode=True, colour=False):
    return card_text(card, Style(unicode=unicode), colour)


@pytest.mark.parametrize("unit", ["7", "sae 7", " sae 7 ", "07"])
def test_a_card_is_found_through_the_digests_of_the_row(row, store, unit):
    (card,) = find_cards([row], unit, store.root)
    assert card.artifact == row["artifacts"][1]
    assert card.content["latent"] == 7
    assert card_units(row, store.root) == ["7"]


def test_two_arms_have_two_cards_of_an_index(artifact, store):
    rows = [{"artifacts": [artifact("made"), artifact("made", coder="transcoder")]}, {"artifacts": [artifact("made")]}]
    assert [c.content["coder"] for c in find_cards(rows, "7", store.root)] == ["sae", "transcoder"]
    assert [c.content["coder"] for c in find_cards(rows, "transcoder 7", store.root)] == ["transcoder"]
    with pytest.raises(LedgerError, match="latent 7 has cards of sae, transcoder only"):
        find_cards(rows, "other 7", store.root)


@pytest.mark.parametrize(
    ("unit", "words"),
    [
        ("8", "latent 8 has no card: it never fired on the training texts. There are 1: 7"),
        ("9", "latent 9 has no card: it was registered and not scored: it fires in too few windows"),
        ("5", "latent 5 has no card. There are 1: 7"),
        ("nurse", "expected the id of a latent"),
        ("../7", "expected the id of a latent"),
    ],
)
def test_a_unit_without_a_card_says_why(row, store, unit, words):
    with pytest.raises(LedgerError, match=re.escape(words)):
        find_cards([row], unit, store.root)


def test_what_is_not_in_the_store_is_said(row, store, artifact, tmp_path):
    with pytest.raises(LedgerError, match=r"2 of its 2 artifacts are not in the store .*--store DIR"):
        find_cards([row], "7", tmp_path / "elsewhere")
    assert card_units(row, tmp_path / "elsewhere") == []
    with pytest.raises(LedgerError, match="none of its 1 artifacts has cards"):
        find_cards([{"artifacts": [artifact("bare")]}], "7", store.root)
    with pytest.raises(LedgerError, match="names no artifacts"):
        find_cards([{"artifacts": []}], "7", store.root)
    with pytest.raises(LedgerError, match="1 of its 2 artifacts are not in the store"):
        find_cards([{"artifacts": [artifact("bare"), "published.json@sha256:0123"]}], "7", store.root)


def test_a_row_leads_nowhere_but_into_the_store(row, store, tmp_path):
    shutil.copytree(store.home(row["artifacts"][1]), tmp_path / "outside")
    assert (store.base / "artifacts/../../../outside/files/cards/7.json").is_file()
    for digest in ("../../outside", 7, None):
        assert card_units({"artifacts": [digest]}, store.root) == []
        with pytest.raises(LedgerError, match="not in the store"):
            find_cards([{"artifacts": [digest]}], "7", store.root)


@pytest.mark.parametrize("damage", ["edit", "truncate", "manifest"])
def test_an_altered_card_is_not_shown(row, store, damage):
    home = store.home(row["artifacts"][1])
    path = home / "files/cards/7.json"
    if damage == "manifest":
        (home / "manifest.json").write_text("{}")
    else:
        text = path.read_text("utf-8")
        path.write_text(text.replace('"dead": false', '"dead": true') if damage == "edit" else text[:40], "utf-8")
    with pytest.raises(LedgerError, match="altered since it was built" if damage != "manifest" else "not the manifest"):
        find_cards([row], "7", store.root)


def test_the_card_in_plain_text(row, store):
    text = shown(*find_cards([row], "7", store.root))
    for line in (
        "latent 7 of sae at blocks.2.hook_resid_post\n",
        "chosen          registered sample 0123456789ab: 3 of 512 latents\n",
        "fires           on 1.230% of the tokens of the training texts\n",
        'scorer          {"kind": "chat", "model": "small"}\n',
        "  detection           0.750, 75.0% of 4 answers read\n",
        "  fuzzing             0.500, 100.0% of 4 answers read\n",
        "strongest, training texts:\n      4.000  the«␣nurse»",
        "      1.600  «the␣nurse»",
        "  detection: 2 right, 1 wrong, 1 unread\n",
        "  fuzzing: 2 right, 2 wrong, 0 unread\n",
        "  2.000       right       right       the«␣nurse»",
        "  1.000       wrong       right       ",
        "  no          right       wrong       «the»",
        "  no          unread      wrong       ",
    ):
        assert line in text


def test_text_of_others_moves_nothing_and_fakes_nothing(row, store):
    (card,) = find_cards([row], "7", store.root)
    for colour in (False, True):
        text = re.sub(r"\x1b\[[\d;]*m", "", shown(card, colour=colour))
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\ufeff]", text)
    assert "<1b>[31m␣evil<202e><200b>␍⏎" in text
    assert "›sat‹" in text
    assert "\x1b" not in shown(card)


def test_colour_is_linear_in_activation_and_what_is_marked_is_underlined(row, store):
    (card,) = find_cards([row], "7", store.root)
    text = shown(card, colour=True)
    used = {n: f"\x1b[48;5;{shade};38;5;16;4m" for n, shade in enumerate(SHADES, 1)}
    assert f"4.000  the{used[5]}␣nurse\x1b[0m<1b>" in text
    assert f"1.600  {used[1]}the\x1b[0m{used[2]}␣nurse\x1b[0m<1b>" in text
    assert f"the{used[3]}␣nurse\x1b[0m<1b>" in text  # 2 of 4
    assert "\x1b[4mthe\x1b[0m␣nurse" in text  # fires nowhere, marked
    assert "«" not in text


def test_ascii_streams_get_ascii(row, store):
    text = shown(*find_cards([row], "7", store.root), unicode=False)
    assert text.isascii()
    assert "the<<_nurse>>" in text


def test_visible_cuts_what_is_endless():
    assert visible("a" * 1000) == "a" * 200 + "…(1000␣characters)"


@pytest.mark.parametrize("gone", ["contexts", "answers", "scorer", "scores"])
def test_a_card_of_another_form_is_an_error(row, store, gone):
    (card,) = find_cards([row], "7", store.root)
    with pytest.raises(LedgerError, match="cannot be shown"):
        shown(Card(card.artifact, {k: v for k, v in card.content.items() if k != gone}))


@pytest.fixture
def command(tmp_path, store, row, write_run, claim, gap, judged, capsys):
    """``command(*argv)`` shows from a run whose only claim rests on the row's artifacts: ``(status, out, err)``."""
    rows = [judged(claim("wins"), gap(0.1, sources=row["artifacts"])), judged(claim("bare"), gap(0.1, seed=1))]
    write_run(tmp_path / ".ledger/runs", "2026-11-20T120000Z-aaaaaa", rows)

    def run(*argv):
        status = main(["--root", str(tmp_path), "show", *argv])
        return status, *capsys.readouterr()

    return run


def test_show_mentions_the_cards(command):
    status, out, _ = command("wins")
    assert status == 0
    assert "  1 latents have a card: python -m ledger show paper.wins 2026-11-20T120000Z-aaaaaa --unit 7\n" in out
    assert "have a card" not in command("bare")[1]
    assert "have a card" not in command("wins", "--store", "/nowhere")[1]


def test_show_unit(command, row, monkeypatch):
    status, out, err = command("wins", "--unit", "sae 7")
    assert (status, err) == (0, "")
    assert out.startswith("latent 7 of sae")
    assert "\x1b" not in out
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert "\x1b[48;5;" in command("wins", "--unit", "7")[1]
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in command("wins", "--unit", "7")[1]


def test_show_unit_in_other_formats(command, row):
    found = json.loads(command("wins", "--unit", "7", "--format", "json")[1])
    assert [(c["artifact"], c["latent"]) for c in found] == [(row["artifacts"][1], 7)]
    out = command("wins", "--unit", "7", "--format", "md")[1]
    assert out.startswith("```text\nlatent 7 of sae")
    assert out.rstrip().endswith("```")


def test_the_store_is_the_one_of_the_session(command, store, tmp_path, monkeypatch):
    moved = tmp_path / "moved"
    store.root.rename(moved)
    assert command("wins", "--unit", "7")[0] == 2
    assert command("wins", "--unit", "7", "--store", str(moved))[0] == 0
    monkeypatch.setenv(VARIABLE, str(moved))
    assert command("wins", "--unit", "7")[0] == 0


def test_errors_are_one_line(command):
    status, out, err = command("bare", "--unit", "7")
    assert (status, out) == (2, "")
    assert err == "ledger: this row names no artifacts: it was judged on plain numbers, which have no cards\n"


def test_units_of_samples_are_understood(row, artifact, store):
    """Pairs of latents, and latents of a randomised copy, are called so in a claim's samples."""
    other = {"artifacts": [*row["artifacts"], artifact("made", coder="skip-transcoder")]}
    found = find_cards([other], "skip-transcoder 7 ~ sae 7", store.root)
    assert [card.content["coder"] for card in found] == ["skip-transcoder", "sae"]
    assert len(find_cards([row], "reinit 0 sae 7", store.root)) == 1
