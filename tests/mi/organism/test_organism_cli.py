"""The command line."""

import json
import subprocess
import sys

import pytest

from mi.organism.cli import main


def test_sample(capsys):
    assert main(["sample", "fact", "-n", "3", "--split", "held-out"]) == 0
    plain = capsys.readouterr().out.splitlines()
    assert len(plain) == 3
    assert main(["sample", "fact", "-n", "3", "--split", "held-out", "--json", "--corrupted"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [r["text"] for r in rows[::2]] == plain
    assert all(r["id"].endswith("~") for r in rows[1::2])
    assert rows[0]["labels"]["town"] in rows[0]["text"]


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["sample", "fact", "-n", "0"], "-n must be at least 1"),
        (["evaluate", "{tmp}"], "has no config.json, model.safetensors, tokenizer.json. Expected a folder made by"),
        (["evaluate", "{tmp}", "-n", "0"], "must be at least 1"),
        (["build", "-o", "{tmp}"], "exists already"),
        (["build", "-o", "{tmp}/new", "--tokens", "1"], "--tokens 1; expected at least 4096"),
        (["build", "-o", "{tmp}/new", "--minutes", "nan"], "--minutes nan; expected at least"),
    ],
)
def test_wrong_requests_say_what_to_do(argv, message, tmp_path, capsys):
    (tmp_path / "occupied").touch()
    assert main([a.format(tmp=tmp_path) for a in argv]) == 2
    assert message in capsys.readouterr().err


def test_an_unknown_kind_lists_the_kinds(capsys):
    with pytest.raises(SystemExit):
        main(["sample", "poetry"])
    assert "'negated_chat'" in capsys.readouterr().err


def test_build_and_evaluate(tmp_path, capsys, monkeypatch):
    from mi.organism import evaluate, train

    monkeypatch.setattr(train, "CURVE_ITEMS", 2)
    monkeypatch.setattr(evaluate, "N_GRAM_DOCUMENTS", 500)
    out = tmp_path / "model"
    assert main(["build", "-o", str(out), "--tokens", "8192", "--seed", "9"]) == 0
    assert "8,192 tokens in 2 steps" in capsys.readouterr().err
    assert json.loads((out / "training.json").read_text())["seed"] == 9
    result = tmp_path / "result.json"
    assert main(["evaluate", str(out), "-n", "4", "--documents", "20", "--copies", "0", "-o", str(result)]) == 0
    measured = json.loads(result.read_text())
    assert measured["trained"]["n"]["fact"] == 4
    assert measured["trained"]["loss_train"]["nats_per_token"]["model"] > 5


def test_help_and_sample_load_no_torch():
    code = "import sys; from mi.organism.cli import main; main(['sample', 'world']); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
