"""The wheel, built and used the way a stranger uses it: outside this checkout."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
HOMES = {"mi_assay": "mi_assay", **{name: f"mi_assay/{name}" for name in ("mi", "runners", "ledger")}}
NOT_SHIPPED = {"tests", "runs", "__pycache__"}


def run(*argv: str, cwd: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *argv],
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )


def pip(*argv: str, cwd: Path) -> None:
    done = run("-m", "pip", "--disable-pip-version-check", *argv, cwd=cwd, env=dict(os.environ))
    assert done.returncode == 0, done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, in which there is also what must stay out of the wheel."""
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", "LICENSE", ".gitignore", "requirements.lock"):
        shutil.copy(ROOT / name, source / name)
    for package in HOMES:
        shutil.copytree(ROOT / package, source / package, ignore=shutil.ignore_patterns("__pycache__"))
    for unwanted in (
        "ledger/runs/2026-01-01.jsonl",
        "ledger/__pycache__/cli.cpython-311.pyc",
        "mi/__pycache__/claimable.cpython-311.pyc",
        "mi/tests/test_internal.py",
        "tests/test_internal.py",
        "claims/test_claim.py",
    ):
        (source / unwanted).parent.mkdir(parents=True, exist_ok=True)
        (source / unwanted).touch()
    out = tmp_path_factory.mktemp("dist")
    pip(
        *("wheel", "--quiet", "--no-index", "--no-build-isolation", "--no-deps"),
        *("--wheel-dir", str(out), "."),
        cwd=source,
    )
    (built,) = out.iterdir()
    return built


@pytest.fixture(scope="module")
def site(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("site")
    pip(
        *("install", "--quiet", "--no-index", "--no-deps"),
        *("--target", str(target), str(wheel)),
        cwd=target,
    )
    return target


@pytest.fixture
def env(site: Path) -> dict[str, str]:
    """The environment of a session that has the wheel and knows nothing of this one."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "GITHUB_"))}
    return {**kept, "PYTHONPATH": str(site), "PYTHONDONTWRITEBYTECODE": "1"}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Empty, but for a pytest.ini: pytest looks for one no further up than here."""
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    return tmp_path


def test_the_wheel_holds_the_packages_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    expected = {
        f"{home}/{path.relative_to(ROOT / package).as_posix()}"
        for package, home in HOMES.items()
        for path in (ROOT / package).rglob("*")
        if path.suffix in {".py", ".json", ".typed", ".jinja", ".js", ".css"}
        if not NOT_SHIPPED.intersection(path.relative_to(ROOT / package).parts)
    }
    assert {name for name in packed if not name.startswith("mi_assay/")} == set()
    assert {name for name in packed if NOT_SHIPPED.intersection(name.split("/"))} == set()
    assert expected - packed == set()
    assert any(re.fullmatch(r"mi_assay/ledger/.*\.json", name) for name in packed)
    assert "mi_assay/requirements.lock" in packed


def test_no_top_level_mi_or_ledger_is_installed(site: Path) -> None:
    installed = {path.name for path in site.iterdir() if not path.name.endswith(".dist-info")}
    assert installed - {"bin", "Scripts"} == {"mi_assay"}


def test_the_installed_face_is_the_installed_library(repository: Path, env: dict[str, str], site: Path) -> None:
    script = f"""
import sys
import mi_assay
assert mi_assay.__file__.startswith({str(site)!r}), mi_assay.__file__
heavy = {{"numpy", "scipy", "statsmodels", "pandas", "yaml", "jsonschema", "pytest"}}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
from mi_assay.mi import claimable
names = set(mi_assay.__all__) - {{"__version__"}}
assert names == set(claimable.__all__), names ^ set(claimable.__all__)
for name in names:
    assert getattr(mi_assay, name) is getattr(claimable, name), name
assert "mi" not in sys.modules and "ledger" not in sys.modules
"""
    done = run("-c", script, cwd=repository, env=env)
    assert done.returncode == 0, done.stdout


def test_the_face_in_the_checkout_is_the_library_of_the_checkout() -> None:
    import mi_assay
    from mi import claimable

    assert set(mi_assay.__all__) - {"__version__"} == set(claimable.__all__)
    for name in claimable.__all__:
        assert getattr(mi_assay, name) is getattr(claimable, name)
    with pytest.raises(AttributeError, match="no_such_name"):
        mi_assay.no_such_name  # noqa: B018


def pytest_output(*argv: str, cwd: Path, env: dict[str, str]) -> str:
    """What pytest prints, less the line that lists plugins and the time taken."""
    done = run("-m", "pytest", "-p", "no:cacheprovider", *argv, cwd=cwd, env=env)
    assert done.returncode == 0, done.stdout
    lines = [line for line in done.stdout.splitlines() if not line.startswith("plugins:")]
    return re.sub(r"=* (.*) in [\d.]+s.*", r"\1", "\n".join(lines))


def test_a_repository_without_claims_is_left_alone(repository: Path, env: dict[str, str]) -> None:
    (repository / "test_plain.py").write_text("def test_plain():\n    pass\n", encoding="utf-8")
    before = sorted(repository.rglob("*"))
    with_plugin = pytest_output(cwd=repository, env=env)
    assert sorted(repository.rglob("*")) == before
    assert with_plugin == pytest_output("-p", "no:mi_assay", cwd=repository, env=env)


def test_a_repository_without_claims_imports_nothing_heavy(repository: Path, env: dict[str, str]) -> None:
    (repository / "test_imports.py").write_text(
        "import sys\n"
        "def test_imports():\n"
        "    assert 'mi_assay.ledger.plugin' in sys.modules\n"
        "    heavy = {'numpy', 'scipy', 'statsmodels', 'pandas', 'yaml', 'jsonschema'}\n"
        "    assert not heavy & set(sys.modules)\n",
        encoding="utf-8",
    )
    pytest_output("-p", "no:jaxtyping", cwd=repository, env=env)  # its plugin brings numpy, ours does not


def files_in_the_readme() -> dict[str, str]:
    """The fenced blocks that follow a comment `<!-- file: NAME -->`, by NAME."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    block = re.compile(
        r"^<!--[ ]*file:[ ]*(?P<name>\S+)[ ]*-->\s*"
        r"^(?P<fence>```+)[^\n]*\n(?P<body>.*?)^(?P=fence)[ ]*$",
        re.MULTILINE | re.DOTALL,
    )
    return {found["name"]: found["body"] for found in block.finditer(text)}


def test_the_readme_example_works_as_printed(repository: Path, env: dict[str, str]) -> None:
    files = files_in_the_readme()
    for name, body in files.items():
        assert not Path(name).is_absolute()
        assert ".." not in Path(name).parts
        (repository / name).parent.mkdir(parents=True, exist_ok=True)
        (repository / name).write_text(body, encoding="utf-8")
    ids = re.findall(r"mark\.claim\(\s*[\"']([^\"']+)", "".join(files.values()))
    assert ids, "README.md has no example with a claim"

    done = run("-m", "pytest", cwd=repository, env=env)
    assert done.returncode == 0, done.stdout
    assert re.search(r"\bpass\b", done.stdout), done.stdout
    assert [path for path in (repository / ".ledger").rglob("*") if path.is_file()]

    done = run("-m", "mi_assay", "table", cwd=repository, env=env)
    assert done.returncode == 0, done.stdout
    for claim in ids:
        assert claim in done.stdout

    done = run("-m", "mi_assay", "report", "-o", "report.html", cwd=repository, env=env)
    assert done.returncode == 0, done.stdout
    page = (repository / "report.html").read_text(encoding="utf-8")
    for claim in ids:
        assert claim in page
