"""Who may import what, read off the source."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# What a file of ledger/ may import beyond the standard library and ledger itself.
LEDGER = {
    **{name: {"pytest"} for name in ("plugin.py", "judge.py", "collect.py", "outcome.py")},
    "yamlfile.py": {"yaml"},
    "registry.py": {"jsonschema"},
    "report/page.py": {"jinja2"},
    "report/trusted.py": {"markupsafe"},
    "figures/standalone.py": {"resvg_py"},
}
STATISTICS = {"numpy", "scipy", "statsmodels"}
# What the workshop's parts of mi/ import beyond that; never while a session collects claims (see below).
ENGINES = {
    *("datasets", "huggingface_hub", "matplotlib", "safetensors", "sklearn", "tokenizers", "torch", "tqdm"),
    *("transformer_lens", "transformers", "sae_lens", "sparsify", "sentence_transformers", "openai"),
}
WORKSHOP = {
    *("organism", "subjects", "activations", "coders", "metrics", "autointerp"),
    *("probing", "steering", "circuits", "saebench", "texts.py"),
}
# What a file of ledger/ asks for through home.py, at call time.
DOORS = {
    "judge.py": {"mi.claimable"},
    "verify.py": {"mi.contrasts.stored"},
    "artifact_files.py": {"runners.artifact"},
    "budget.py": {"runners.money.spending", "runners.money.budget", "runners.errors"},
    "report/paired.py": {"mi.contrasts.stored", "mi.claimable"},
    "figures/intervals.py": {"mi.claimable"},
}
# What a file of runners/ may import beyond filelock and tqdm: pytest what deals with tests, an engine's client its folder.
RUNNERS = {
    **{name: {"pytest", "_pytest"} for name in ("plugin.py", "session_runner.py")},
    **{name: {"pytest", "_pytest"} for name in ("planning/rounds.py", "planning/discovery.py")},
}
CLIENTS = {"engines/modal": {"modal", "grpclib"}, "engines/ray": {"ray"}}


def imports(path):
    """``(module, level)`` of every import anywhere in a file."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, 0) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "", node.level


def files(package):
    found = sorted((ROOT / package).rglob("*.py"))
    assert len(found) > 5
    return [pytest.param(p, id=p.relative_to(ROOT).as_posix()) for p in found]


def outsiders(path):
    absolute = {name.partition(".")[0] for name, level in imports(path) if level == 0}
    return absolute - sys.stdlib_module_names


@pytest.mark.parametrize("path", files("ledger"))
def test_the_court_needs_next_to_nothing(path):
    assert outsiders(path) <= LEDGER.get(path.relative_to(ROOT / "ledger").as_posix(), set())


@pytest.mark.parametrize("path", files("mi"))
def test_the_library_knows_neither_pytest_nor_the_court(path):
    workshop = path.relative_to(ROOT / "mi").parts[0] in WORKSHOP
    assert outsiders(path) <= STATISTICS | (ENGINES if workshop else set())


@pytest.mark.parametrize("path", files("runners"))
def test_the_store_does_not_know_what_it_keeps(path):
    name = path.relative_to(ROOT / "runners")
    allowed = RUNNERS.get(name.as_posix(), set()) | CLIENTS.get(name.parent.as_posix(), set())
    assert outsiders(path) <= {"filelock", "tqdm"} | allowed


def test_fixtures_reach_mi_through_light_modules_only():
    """What a session imports before any artifact is missing: no model library, no matter which fixture is used."""
    code = (
        "import sys, conftest, importlib\n"
        "for name in conftest.pytest_plugins:\n"
        "    importlib.import_module(name) if name != 'pytester' else None\n"
        "print(*sorted(set(sys.argv[1:]) & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *ENGINES - {"tqdm"}], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []


@pytest.mark.parametrize("path", [*files("ledger"), *files("mi"), *files("runners")])
def test_no_package_reaches_beyond_itself(path):
    """Relative imports only (the packages have another name in the wheel), and none above the package."""
    depth = len(path.relative_to(ROOT).parts) - 1
    assert all(level <= depth for _, level in imports(path))


def test_the_one_door_between_them():
    doors = [p.name for p in (ROOT / "ledger").glob("*.py") if "import_module" in p.read_text("utf-8")]
    assert doors == ["home.py"]


@pytest.mark.parametrize("path", files("ledger"))
def test_who_goes_through_it(path):
    calls = [n for n in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(n, ast.Call)]
    asked = [n.args[0] for n in calls if isinstance(n.func, ast.Name) and n.func.id == "sibling"]
    assert {ast.literal_eval(name) for name in asked} == DOORS.get(path.relative_to(ROOT / "ledger").as_posix(), set())


@pytest.mark.parametrize("path", files("fixtures"))
def test_fixtures_import_no_engine(path):
    assert outsiders(path) <= STATISTICS | {"pytest", "mi", "runners", "fixtures", "yaml"}
