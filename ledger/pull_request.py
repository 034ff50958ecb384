"""What a pull request's own workflow uploaded: somebody else's bytes, read without unpacking them."""

from __future__ import annotations

import lzma
import re
import stat
import struct
import tempfile
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from .errors import LedgerError
from .run import Run, check_chain, read_run

MAX_BYTES = 32_000_000
"""Of each run, unpacked: about ten thousand rows."""
MAX_ROWS = 10_000
NUMBER, BEFORE, AFTER = "number", "before.jsonl", "after.jsonl"
_LIMITS = {NUMBER: 20, BEFORE: MAX_BYTES, AFTER: MAX_BYTES}
_CHUNK = 1 << 20


@dataclass(frozen=True)
class PullRequest:
    """Its number, the run of its base branch and its own run, as it says."""

    number: int
    before: Run
    after: Run


def read_pull_request(path: Path) -> PullRequest:
    """Read a zip file with exactly ``number``, ``before.jsonl`` and ``after.jsonl``.

    No name in the archive is ever used as a path. Whoever calls this must still compare the head of pull request
    ``number`` with the commit that the workflow ran on: the number is the archive's own word.

    Raises:
        LedgerError: not such a file: other, missing or repeated members, a link, a size beyond the limits, a number that is not
            ``[1-9][0-9]*``, a run that cannot be read, has too many rows, or a broken chain.
    """
    try:
        with zipfile.ZipFile(path) as archive, tempfile.TemporaryDirectory() as folder:
            members = _members(archive, path)
            number = _number(_content(archive, members[NUMBER], path), path)
            runs = [_run(archive, members[name], Path(folder), path) for name in (BEFORE, AFTER)]
    except LedgerError:
        raise
    except (
        zipfile.BadZipFile,
        zlib.error,
        lzma.LZMAError,
        struct.error,
        EOFError,
        OSError,
        RuntimeError,
        ValueError,
    ) as exc:
        raise LedgerError(f"{path}: not a zip file that can be read ({str(exc)[:100]})") from None
    return PullRequest(number, *runs)


def _members(archive: zipfile.ZipFile, path: Path) -> dict[str, zipfile.ZipInfo]:
    infos = archive.infolist()
    names = sorted(info.filename for info in infos)
    if names != sorted(_LIMITS):
        shown = ", ".join(f"{name[:40]!r}" for name in names[:5])
        raise LedgerError(f"{path}: holds {shown} ({len(names)} members); expected {', '.join(_LIMITS)}")
    for info in infos:
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG):
            raise LedgerError(f"{path}: {info.filename} is not a plain file")
    return {info.filename: info for info in infos}


def _content(archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path) -> bytes:
    """A member's bytes; what its header says of its size is not believed."""
    limit, parts, size = _LIMITS[info.filename], [], 0
    with archive.open(info) as f:
        while part := f.read(_CHUNK):
            parts.append(part)
            size += len(part)
            if size > limit:
                raise LedgerError(f"{path}: {info.filename} has over {limit:,} bytes")
    return b"".join(parts)


def _number(content: bytes, path: Path) -> int:
    if not re.fullmatch(rb"[1-9][0-9]{0,8}\n?", content):
        raise LedgerError(f"{path}: pull request {content!r}; expected digits only, and no 0 before them")
    return int(content)


def _run(archive: zipfile.ZipFile, info: zipfile.ZipInfo, folder: Path, path: Path) -> Run:
    content = _content(archive, info, path)
    rows = content.count(b"\n")
    if rows > MAX_ROWS:
        raise LedgerError(f"{path}: {info.filename} has {rows:,} lines; at most {MAX_ROWS:,} are read")
    name = BEFORE if info.filename == BEFORE else AFTER
    file = folder / name
    file.write_bytes(content)
    try:
        run = read_run(file)
        broken = check_chain(file)
    except LedgerError as exc:
        raise LedgerError(str(exc).replace(str(folder), str(path))) from None
    if broken:
        raise LedgerError(f"{path}: {name}: {broken[0]}")
    return run
