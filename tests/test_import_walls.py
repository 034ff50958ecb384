"""Who may import what, read off the source."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# What a file of ledger/ may import beyond the standard library and ledger itself.
LEDGER = {
    **{name: {"pytest"} for name in ("plugin.py", "judge.py", "collect.py", "outcome.py")},
    "yamlfile.py": {"yaml"},
    "registry.py": {"jsonschema"},
}
MI = {"numpy", "scipy", "statsmodels"}


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
    assert outsiders(path) <= LEDGER.get(path.name, set())


@pytest.mark.parametrize("path", files("mi"))
def test_the_statistics_know_neither_pytest_nor_the_court(path):
    assert outsiders(path) <= MI


@pytest.mark.parametrize("path", [*files("ledger"), *files("mi")])
def test_no_package_reaches_beyond_itself(path):
    """Relative imports only (the packages have another name in the wheel), and none above the package."""
    depth = len(path.relative_to(ROOT).parts) - 1
    assert all(level <= depth for _, level in imports(path))


def test_the_one_door_between_them():
    doors = [p.name for p in (ROOT / "ledger").glob("*.py") if "import_module" in p.read_text("utf-8")]
    assert doors == ["home.py"]
