"""What a run keeps of its command line: nothing that opens a door."""

from ledger.plugin import _shown


def test_scorers_are_kept_by_their_models():
    given = [
        "-m",
        "smoke",
        "--scorer",
        "qwen@https://u:hunter2@h/v1",
        "--scorer=serve:q=server --api-key hunter2",
        "-x",
    ]
    assert list(_shown(given)) == ["-m", "smoke", "--scorer", "qwen", "--scorer=serve:q", "-x"]
    assert list(_shown(["--scorer", "lexical", "--subject=a=b"])) == ["--scorer", "lexical", "--subject=a=b"]
