"""Texts: documents with ids, domains and labels, in one file. Imports nothing heavy."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, is_dataclass
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any

from .downloads import allowed
from .progress import Progress
from .refusal import Refusal
from .subjects.errors import NotHere

FILE = "documents.jsonl"


class Texts:
    """A text artifact: ``documents.jsonl``, one ``{"id", "text", "domain", ...labels}`` a line.

    Iterating reads one line at a time.
    """

    def __init__(self, path: Path) -> None:
        self.file = Path(path) / FILE
        if not self.file.exists():
            raise Refusal(f"{path} without {FILE}", "a text artifact", "Build it with one of mi.texts.")

    def __iter__(self) -> Iterator[dict[str, Any]]:
        with self.file.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    document = json.loads(line)
                    _ = document["id"], document["text"], document["domain"]
                except (ValueError, KeyError, TypeError) as error:
                    raise Refusal(
                        f"line {number} of {self.file.name} ({type(error).__name__}: {error})",
                        '{"id": ..., "text": ..., "domain": ...}',
                        "Build the texts again.",
                    ) from None
                yield document

    def head(self, n: int) -> list[dict[str, Any]]:
        """The first ``n`` documents."""
        return list(islice(self, n))

    @property
    def digest(self) -> str:
        """SHA-256 of the file."""
        return _sha256(self.file)


def text_hash(text: str) -> str:
    """By which documents are told apart: 128 bits of SHA-256 over the text without the white space around it."""
    return sha256(text.strip().encode()).hexdigest()[:32]


def write_documents(
    out: Path, documents: Iterable[dict[str, Any]], progress: Progress, label: str, total: int | None = None
) -> dict[str, Any]:
    """Write ``documents.jsonl``; documents without a text are left out and counted.

    Returns:
        ``documents, empty, repeated`` (texts that came before), ``domains`` with their numbers, ``characters``.

    Raises:
        Refusal: an id twice, a document that is not of this form, or no document at all.
    """
    ids: set[str] = set()
    hashes: set[str] = set()
    domains: dict[str, int] = {}
    empty = repeated = characters = 0
    with (out / FILE).open("w", encoding="utf-8") as file, progress(label, total, "documents") as bar:
        for document in documents:
            bar.update(1)
            name, text, domain = document.get("id"), document.get("text"), document.get("domain")
            if not (isinstance(name, str) and isinstance(text, str) and isinstance(domain, str)):
                raise Refusal(f"document {name!r}", "id, text and domain as strings", "Check the source.")
            if name in ids:
                raise Refusal(f"id {name!r} twice", "one document per id", "Number the documents.")
            ids.add(name)
            if not text.strip():
                empty += 1
                continue
            repeated += text_hash(text) in hashes
            hashes.add(text_hash(text))
            domains[domain] = domains.get(domain, 0) + 1
            characters += len(text)
            file.write(json.dumps(document, ensure_ascii=False) + "\n")
    if not hashes:
        raise Refusal(f"{label}: no document with a text", "at least one", "Check the source.")
    return {
        "documents": sum(domains.values()),
        "empty": empty,
        "repeated": repeated,
        "domains": dict(sorted(domains.items())),
        "characters": characters,
    }


def world(
    out: Path,
    *,
    progress: Progress,
    split: str,
    seed: int,
    n: int,
    kinds: list[str] | None = None,
    distinct: bool = False,
) -> dict[str, Any]:
    """Builder: documents of the organism's generated world with their labels and the spans of their parts.

    ``distinct`` leaves out texts that came before; fewer than ``n`` may come then.
    """
    from .organism.world import documents

    made = (_of_world(document) for document in documents(split, seed, n, kinds, distinct=distinct))
    return write_documents(out, made, progress, f"texts of the world ({split})", n)


def _of_world(document: Any) -> dict[str, Any]:
    line: dict[str, Any] = (
        asdict(document) if is_dataclass(document) and not isinstance(document, type) else dict(document)
    )
    spans = line.pop("spans", ())
    return {**line, "spans": [list(span) for span in spans]}


def hub(
    out: Path,
    *,
    progress: Progress,
    name: str,
    split: str,
    n: int,
    column: str = "text",
    config: str | None = None,
    revision: str | None = None,
    skip: int = 0,
    domain: str | None = None,
    domain_column: str | None = None,
    min_characters: int = 1,
) -> dict[str, Any]:
    """Builder: texts of a data set in the Hugging Face cache, or of a local folder of parquet or jsonl files.

    Args:
        out, progress: of a builder.
        name, config, split, revision: as ``datasets.load_dataset`` takes them.
        n: how many, from row ``skip`` on, in the data set's order.
        column: the one with the text.
        skip: rows to leave out, so that splits made from one data set do not overlap.
        domain: the domain of all documents; the data set's name without.
        domain_column: a column that names each document's domain instead.
        min_characters: shorter texts are left out.

    Raises:
        NotHere: the data set is not in the cache.
        Refusal: no such column.
    """
    data = hub_data(name, config, split, revision)
    missing = [c for c in (column, domain_column) if c is not None and c not in data.column_names]
    if missing:
        raise Refusal(f"column {missing[0]!r}", f"one of {', '.join(data.column_names)}", "Name a column.")

    def rows() -> Iterator[dict[str, Any]]:
        for index in range(skip, len(data)):
            row = data[index]
            text = row[column]
            if isinstance(text, str) and len(text) >= min_characters:
                kind = str(row[domain_column]) if domain_column else (domain or name)
                yield {"id": f"{name}/{split}/{index}", "text": text, "domain": kind}

    return write_documents(out, islice(rows(), n), progress, f"texts of {name}", n)


def hub_data(name: str, config: str | None, split: str, revision: str | None = None) -> Any:
    """A split of a data set in the Hugging Face cache, as ``datasets.load_dataset`` gives it.

    With ``HF_HUB_OFFLINE=0`` it is downloaded first.

    Raises:
        NotHere: it is not in the cache, or does not arrive.
    """
    import os

    offline = not allowed()
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("HF_DATASETS_OFFLINE", str(int(offline)))
    from datasets import DownloadConfig, load_dataset

    try:
        local = DownloadConfig(local_files_only=offline)
        return load_dataset(name, config, split=split, revision=revision, download_config=local)
    except Exception as error:  # of the library, of its HTTP client, or of the disk
        where = "is not in the Hugging Face cache" if offline else "could not be downloaded"
        python = f"load_dataset({name!r}, {config!r}, split={split!r}, revision={revision!r})"
        raise NotHere(
            f"data set {name} ({config}, {split}) {where} ({type(error).__name__}: {error})",
            f'python -c "from datasets import load_dataset; {python}"',
        ) from error


def file(
    out: Path, *, progress: Progress, path: str, digest: str, domain: str = "text", n: int | None = None
) -> dict[str, Any]:
    """Builder: a user's own texts.

    Args:
        out, progress: of a builder.
        path: a ``.jsonl`` file (``text``, and maybe ``id``, ``domain`` and labels), a ``.txt`` file (a document
            between empty lines), or a folder of ``.txt`` files (a document each).
        digest: :func:`file_digest` of it, so that other contents are another recipe.
        domain: of documents that do not say.
        n: the first so many; None for all.

    Raises:
        NotHere: nothing at ``path``.
        Refusal: other contents than ``digest`` says.
    """
    source = require_file(path, digest)
    return write_documents(out, islice(own_documents(source, domain), n), progress, f"texts of {source.name}", n)


def require_file(path: str, digest: str) -> Path:
    """The file or folder at ``path``, with the contents that a recipe was made from.

    Raises:
        NotHere: nothing at ``path``.
        Refusal: other contents than ``digest`` says.
    """
    source = Path(path).expanduser()
    if (found := file_digest(path)) != digest:
        raise Refusal(f"{source.name} with digest {found[:12]}", digest[:12], "Make the recipe again from the file.")
    return source


def file_digest(path: str | Path) -> str:
    """SHA-256 of a file, or of the ``.txt`` files of a folder and their names.

    Raises:
        NotHere: nothing there.
    """
    source = Path(path).expanduser()
    if source.is_file():
        return _sha256(source)
    if not source.is_dir():
        raise NotHere(f"no file or folder {source}", fix="Give a .jsonl or .txt file, or a folder of .txt files.")
    names = sorted(p.relative_to(source).as_posix() for p in source.rglob("*.txt"))
    return sha256("\n".join(f"{name} {_sha256(source / name)}" for name in names).encode()).hexdigest()


def own_documents(source: Path, domain: str) -> Iterator[dict[str, Any]]:
    """Documents of a ``.jsonl`` file, of a ``.txt`` file (one between empty lines), or of a folder of ``.txt`` files."""
    if source.is_dir():
        for path in sorted(source.rglob("*.txt")):
            name = path.relative_to(source).as_posix()
            yield {"id": name, "text": path.read_text("utf-8"), "domain": domain}
    elif source.suffix == ".jsonl":
        with source.open(encoding="utf-8") as lines:
            for index, line in enumerate(lines):
                if line.strip():
                    yield {"id": f"{source.name}/{index}", "domain": domain, **json.loads(line)}
    else:
        for index, part in enumerate(source.read_text("utf-8").split("\n\n")):
            yield {"id": f"{source.name}/{index}", "text": part.strip("\n"), "domain": domain}


def _sha256(path: Path) -> str:
    total = sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            total.update(block)
    return total.hexdigest()
