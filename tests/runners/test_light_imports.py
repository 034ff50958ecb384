"""Recipes and warm runs import nothing heavy."""

import subprocess
import sys
from pathlib import Path

HEAVY = {"torch", "numpy", "transformers", "datasets", "scipy", "safetensors", "matplotlib", "pytest"}


def loaded(code, **options):
    code += "\nimport sys; print(' '.join(sorted({m.partition('.')[0] for m in sys.modules})))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, **options)
    return set(done.stdout.splitlines()[-1].split())


def test_recipes_need_the_standard_library_only(environment):
    found = loaded("from runners.recipe import Recipe; Recipe('a:b', 1).digest", cwd=environment)
    assert not found & (HEAVY | {"tqdm", "filelock"})


# Everything but what deals with tests, and what is imported in Modal's containers.
HEAVIER = {"plugin", "session_runner", "planning.discovery", "planning.rounds", "engines.modal.app"}
HOME = Path(__file__).resolve().parents[2] / "runners"
MODULES = {p.relative_to(HOME).with_suffix("").as_posix().replace("/", ".") for p in HOME.rglob("*.py")}


def test_no_module_is_heavy(environment):
    code = "\n".join(f"import runners.{module}" for module in sorted(MODULES - HEAVIER) if not module.endswith("__"))
    assert not loaded(code, cwd=environment) & (HEAVY | {"tqdm"})


def test_finding_what_was_built_is_light(bench):
    code = (
        "from pathlib import Path; from runners.runner import open_runner; from runners.store import Store\n"
        "from runners.recipe import Recipe\n"
        f"store = Store(Path({str(bench.store.root)!r}))\n"
        "made = open_runner('inline', store).build(Recipe('toy_builders:write', 1, {'text': 'a'}))\n"
        "print((made.path / 'text.txt').read_text())"
    )
    loaded(code)
    found = loaded(code)
    assert not found & (HEAVY | {"tqdm", "toy_builders"})
    assert bench.built == ["a"]
