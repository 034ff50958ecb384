"""Checksums of the shipped weights."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

WEIGHTS = Path(__file__).parent / "weights"
FILE = "SHA256SUMS"


def _files(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*") if p.is_file() and p.name not in (FILE, "measured.json"))


def write_checksums(folder: Path = WEIGHTS) -> None:
    """``SHA256SUMS`` of every file below ``folder``, in ``sha256sum``'s format."""
    lines = [f"{sha256(p.read_bytes()).hexdigest()}  {p.relative_to(folder).as_posix()}\n" for p in _files(folder)]
    (folder / FILE).write_text("".join(lines), "utf-8")


def changed_files(folder: Path = WEIGHTS) -> list[str]:
    """Names of files that differ from ``SHA256SUMS``, are missing, or are not listed there; empty if all is well."""
    lines = (folder / FILE).read_text("utf-8").splitlines()
    said = {name: digest for digest, name in (line.split("  ", 1) for line in lines)}
    found = {p.relative_to(folder).as_posix(): sha256(p.read_bytes()).hexdigest() for p in _files(folder)}
    return sorted(name for name in said.keys() | found.keys() if said.get(name) != found.get(name))
