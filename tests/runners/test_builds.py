"""build: what it checks, what it keeps, and what an error leaves behind."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from toy_builders import toy

from runners.build import plan
from runners.canonical import sha256_of
from runners.errors import BuilderError, BuildFailedError, RecipeError, RunnersError, StoreError
from runners.recipe import Recipe
from runners.session import Session


def test_built_once_and_found_again(bench):
    made = bench.build(toy("write", text="a"))
    assert (made.path / "text.txt").read_text() == "a"
    assert made.facts == {"length": 1}
    assert made.manifest.files.keys() == {"text.txt", "shards/0.bin"}
    again = bench.build(toy("write", text="a"))
    assert bench.built == ["a"]
    assert again.manifest == made.manifest
    assert str(again) == f"toy_builders:write ({made.digest[:12]})"
    assert again.recipe == toy("write", text="a")


def test_a_digest_that_leaves_a_parameter_out_is_noticed(bench, monkeypatch):
    monkeypatch.setattr(Recipe, "_digest", lambda self: sha256_of({"build": self.build}))
    bench.build(toy("write", text="a"))
    with pytest.raises(StoreError, match="with other params than were asked for"):
        bench.build(toy("write", text="b"))
    assert bench.built == ["a"]


def test_inputs_come_first_and_by_name(bench):
    a = toy("write", text="a")
    b = toy("write", text="b", inputs={"left": a})
    c = toy("write", text="c", inputs={"left": a, "right": b})
    made = bench.build(c)
    assert (made.path / "text.txt").read_text() == "caba"
    assert bench.built == ["a", "b", "c"]
    assert made.manifest.inputs == {
        "left": bench.store.find(a).manifest.content,
        "right": bench.store.find(b).manifest.content,
    }


def test_inputs_of_what_is_there_are_not_needed(bench):
    below = toy("write", text="a")
    top = toy("write", text="b", inputs={"x": below})
    bench.build(top)
    bench.store.drop(below.digest)
    assert plan([top], bench.again()) == []
    bench.build(top)
    assert bench.built == ["a", "b"]
    other = toy("write", text="c", inputs={"x": below})
    assert plan([other, top], bench.again()) == [below, other]


def test_the_manifest_says_where_from(bench):
    manifest = bench.build(toy("write", label="mine")).manifest
    assert Recipe.from_json(manifest.recipe).label == "mine"
    assert manifest.runner == "inline"
    assert manifest.device == "cpu"
    assert manifest.packages["numpy"]
    assert manifest.packages["python"]
    assert manifest.seconds >= 0
    assert manifest.when.endswith("+00:00")
    assert manifest.bytes == 10240 + 5


def test_facts_alone_are_enough(bench):
    assert bench.build(toy("only_facts", value={"a": [1]})).facts == {"value": {"a": [1]}}


@pytest.mark.parametrize(
    ("recipe", "says"),
    [
        (toy("strict", text="a", txet="a"), "'txet' is not one of its keywords (did you mean 'text'?)"),
        (toy("only_facts"), "'value' is missing"),
        (toy("only_facts", value=1, other=2), "'other' is not one of its keywords"),
        (toy("no_out"), "is no builder: expected def build(out: Path"),
        (toy("wriet"), "no function 'wriet', the builder of wriet"),
        (toy("broken"), "no function 'broken'"),
        (Recipe("no.such.module:f", 1), "no module 'no.such.module'"),
    ],
)
def test_a_recipe_that_no_builder_takes_fails_before_anything_is_built(bench, recipe, says):
    top = toy("write", text="top", inputs={"good": toy("write", text="below"), "bad": recipe})
    with pytest.raises(BuilderError) as caught:
        bench.build(top)
    assert says in str(caught.value)
    assert bench.built == []


def test_a_builder_whose_imports_are_missing_or_broken(bench, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "toy_needs.py").write_text("import no_such_library\n")
    (tmp_path / "toy_breaks.py").write_text("raise OSError('no GPU driver')\n")
    with pytest.raises(BuilderError, match="needs the module 'no_such_library', which is not installed"):
        bench.build(Recipe("toy_needs:f", 1))
    with pytest.raises(BuildFailedError, match="toy_breaks:f raised OSError: no GPU driver"):
        bench.build(Recipe("toy_breaks:f", 1))


def test_an_error_leaves_the_store_as_it_was(bench):
    bad = toy("fails", label="my coder", inputs={})
    with pytest.raises(BuildFailedError) as caught:
        bench.build(bad)
    said = str(caught.value)
    assert f"my coder ({bad.digest[:12]}) was not built: toy_builders:fails raised ValueError: no luck" in said
    assert "raise ValueError(message)" in said
    assert "runners/build.py" not in said
    assert not caught.value.refused
    assert bench.leftovers() == []
    assert list(bench.store.entries()) == []


def test_a_refusal_stays_one(bench):
    session = Session()
    for _ in range(2):
        with pytest.raises(BuildFailedError, match=r"^three rows. Expected ten. Bring more.$") as caught:
            bench.build(toy("refuses"), session=session)
        error = caught.value
        assert error.refused
        assert (error.given, error.expected, error.fix) == ("three rows", "ten", "Bring more.")


def test_a_failure_is_remembered_for_the_session_only(bench):
    session = Session()
    top = toy("write", inputs={"x": toy("fails")})
    with pytest.raises(BuildFailedError, match="Traceback"):
        bench.build(toy("fails"), session=session)
    for recipe in (toy("fails"), top):
        with pytest.raises(BuildFailedError, match="was not tried again") as caught:
            bench.build(recipe, session=session)
        assert "Traceback" not in str(caught.value)
    assert bench.built == ["fails"]
    with pytest.raises(BuildFailedError, match="Traceback"):
        bench.build(toy("fails"), session=Session())
    assert bench.built == ["fails", "fails"]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("link", "the builder left link, which is no plain file"),
        ("nothing", "wrote no file and returned nothing"),
        ("not_json", "what the builder returned['path'] is"),
    ],
)
def test_results_that_cannot_be_kept(bench, name, says):
    with pytest.raises(BuildFailedError) as caught:
        bench.build(toy(name))
    assert says in str(caught.value)
    assert list(bench.store.entries()) == []


def test_params_changed_behind_the_digest(bench):
    recipe = toy("only_facts", value=[1])
    recipe.params["value"].append(2)
    with pytest.raises(RecipeError, match="were changed after it was made"):
        bench.build(recipe)


@pytest.mark.parametrize("how", ["error", "interrupt", "unpaid"])
def test_an_interrupt_and_an_error_that_keeps_its_work_are_resumed(bench, how):
    recipe = toy("resume_or_stop", how=how)
    with pytest.raises((BuildFailedError, KeyboardInterrupt)):
        bench.build(recipe)
    if how == "error":
        assert bench.leftovers() == []
        return
    made = bench.build(recipe)
    assert bench.built == ["found []", "found ['0.txt']"]
    assert made.manifest.files.keys() == {"0.txt"}


def test_the_environment_is_set_unless_somebody_chose(bench, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "online")
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    assert bench.build(toy("environment", name="WANDB_MODE")).facts["value"] == "online"
    assert bench.build(toy("environment", name="HF_HUB_OFFLINE")).facts["value"] == "1"
    assert bench.build(toy("environment", name="TOKENIZERS_PARALLELISM")).facts["value"] == "false"


def test_builders_below_the_home_are_found_first(bench, tmp_path):
    """As in the wheel, where ``mi`` is ``mi_assay.mi``: the package is copied under another name."""
    import runners

    home = tmp_path / "elsewhere" / "face"
    home.mkdir(parents=True)
    (home / "__init__.py").touch()
    (home / "runners").symlink_to(Path(runners.__file__).parent)
    (home / "things.py").write_text("def make(out, *, progress): return {'home': __name__}\n")
    code = (
        "from pathlib import Path\n"
        "from face.runners.build import build\n"
        "from face.runners.runner import open_runner\n"
        "from face.runners.recipe import Recipe\n"
        "from face.runners.store import Store\n"
        f"store = Store(Path({str(bench.store.root)!r}))\n"
        "print(build(Recipe('things:make', 1), store).facts['home'])\n"
        "print(build(Recipe('toy_builders:only_facts', 1, {'value': 'absolute'}), store).facts['value'])\n"
        "print(open_runner('local', store).build(Recipe('things:make', 2)).facts['home'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=home.parent, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout.split() == ["face.things", "absolute", "face.things"], done.stderr


def test_a_manifest_is_plain_json(bench):
    made = bench.build(toy("write", text="ä\u202e"))
    raw = (bench.store.home(made.digest) / "manifest.json").read_text("ascii")
    assert json.loads(raw)["facts"] == {"length": 2}


def test_errors_share_one_base():
    assert issubclass(BuildFailedError, RunnersError)
