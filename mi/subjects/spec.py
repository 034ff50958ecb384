"""subject_spec: a subject as JSON, by content, without loading it. Imports nothing heavy."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from ..downloads import allowed
from . import stand_in
from .errors import NotHere as NotHere
from .errors import SpecError
from .hub_cache import download, download_command, in_cache
from .registry import STAND_IN, Known, known

PACKAGE = Path(__file__).resolve().parent.parent
WEIGHTS = ("trained", "reinit", "reinit-std-matched", "permute", "reinit-keep-embeddings")
DTYPES = ("float32", "bfloat16", "float16", "float64")
TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "chat_template.jinja",
)
COMMIT = "commit:"
"""Begins the digest of a known subject at its pinned revision: a commit is an address of contents."""


def subject_spec(
    name_or_folder: str | Path,
    *,
    weights: str = "trained",
    weights_seed: int = 0,
    dtype: str = "float32",
    revision: str | None = None,
) -> dict[str, Any]:
    """The JSON that a recipe keeps of a subject.

    Args:
        name_or_folder: a name of the registry (a hub model or stand-in of it need not be on this machine), another hub
            id, or a local folder in Hugging Face layout.
        weights: ``"trained"`` or a scheme of :func:`mi.subjects.randomise.randomise`.
        weights_seed: seed of the randomised copy; 0 for trained weights.
        dtype: what the weights are converted to.
        revision: hub commit or branch, in place of the registry's.

    Returns:
        ``name, source, revision, digest, weights, weights_seed, dtype``. ``digest`` covers configuration,
        tokenizer and weights: it is their SHA-256, or names a hub commit or a version of a stand-in.

    Raises:
        NotHere: nothing of that name on this machine; its ``command`` fetches it.
        SpecError: files that cannot be loaded safely (no configuration, pickled weights only, code of its own), or an
            unknown scheme or dtype.
    """
    if weights not in WEIGHTS:
        raise SpecError(f"weights={weights!r}", f"one of {', '.join(WEIGHTS)}", "Name a scheme.")
    if weights == "trained" and weights_seed:
        raise SpecError(f"weights_seed={weights_seed} for trained weights", "0", "Only randomised copies have a seed.")
    if dtype not in DTYPES:
        raise SpecError(f"dtype={dtype!r}", f"one of {', '.join(DTYPES)}", "Use float32 unless memory forbids it.")
    text = str(name_or_folder)
    entry = known(text)
    source = entry.source if entry else text
    revision = revision or (entry.revision if entry else None)
    if source.startswith(STAND_IN):
        name, content = source, stand_in.digest(source)
    elif entry and entry.revision and revision == entry.revision:
        name, content = entry.name, COMMIT + revision
    else:
        folder = find_folder(source, revision, entry)
        content = digest(folder)
        if _is_hub(source):
            revision = folder.name
        elif not source.startswith("organism/"):
            source = str(folder)
        name = entry.name if entry else (source if _is_hub(source) else folder.name)
    return {
        "name": name,
        "source": source,
        "revision": revision,
        "digest": content,
        "weights": weights,
        "weights_seed": weights_seed,
        "dtype": dtype,
    }


def spec_folder(spec: dict[str, Any]) -> Path:
    """The folder that a spec was made from; with ``HF_HUB_OFFLINE=0``, a pinned commit is downloaded first.

    Raises:
        NotHere: it is not on this machine, or does not arrive.
        SpecError: its files are not the ones that the spec was made from, or cannot be loaded safely.
    """
    source, revision, said = spec["source"], spec["revision"], spec.get("digest")
    entry = known(source)
    try:
        folder = find_folder(source, revision, entry)
    except (NotHere, SpecError):  # nothing there, or not all of it: a download that was cut off
        if not (said and said.startswith(COMMIT) and allowed()):
            raise
        download(source, revision)
        folder = find_folder(source, revision, entry)
    if said and said != _content(said, source, folder):
        raise SpecError(
            f"files in {folder} with another digest than the spec of {spec['name']!r}",
            "the files that the spec was made from",
            "Make the spec again, so that everything built from the old files is built anew.",
        )
    return folder


def find_folder(source: str, revision: str | None, entry: Known | None = None) -> Path:
    """Where the files of ``source`` lie; see :func:`subject_spec` for what it raises."""
    if source.startswith("organism/"):
        folder = PACKAGE / "organism" / "weights" / source.removeprefix("organism/")
        if not (folder / "config.json").exists():
            raise NotHere(
                f"{source} has no weights in this checkout",
                fix="Seeds 0, 1 and 2 are shipped. Build another with: python -m mi.organism build --seed N -o DIR, and give DIR.",
            )
    elif source.startswith(STAND_IN):
        folder = stand_in.stand_in(source)
    elif _is_hub(source):
        folder = in_cache(source, revision, entry)
    else:
        folder = Path(source).expanduser().resolve()
        if not folder.is_dir():
            raise NotHere(
                f"{source!r} is neither a known subject, nor a hub id (owner/name), nor a folder",
                fix=f"Known by name: {', '.join(n for n in _names())}.",
            )
    _check_files(folder, source)
    return folder


def _content(said: str, source: str, folder: Path) -> str:
    """What a spec made of this folder would say, in the form that ``said`` has."""
    if said.startswith(COMMIT):
        return COMMIT + folder.name  # the hub's cache names a snapshot by its commit
    return stand_in.digest(source) if source.startswith(STAND_IN) else digest(folder)


def _names() -> list[str]:
    from .registry import SUBJECTS

    return sorted(SUBJECTS)


def _is_hub(source: str) -> bool:
    if source.startswith(("organism/", STAND_IN, "/", ".", "~")) or Path(source).is_dir():
        return False
    return known(source) is not None or re.fullmatch(r"[\w.-]+/[\w.-]+", source) is not None


def _check_files(folder: Path, source: str) -> None:
    try:
        config = json.loads((folder / "config.json").read_text("utf-8"))
    except FileNotFoundError:
        raise SpecError(
            f"{source}: no config.json in {folder}", "a model in Hugging Face layout", "Save it with save_pretrained."
        ) from None
    except ValueError as error:
        raise SpecError(f"{source}: config.json is no JSON ({error})", "a configuration", "Restore the file.") from None
    if "auto_map" in config:
        raise SpecError(
            f"{source}: needs code of its own (auto_map in config.json)",
            "an architecture that transformers has",
            "Code that comes with weights is never run here.",
        )
    needed = {"model.safetensors"}
    if (folder / "model.safetensors.index.json").exists():
        needed = set(json.loads((folder / "model.safetensors.index.json").read_text("utf-8"))["weight_map"].values())
    missing = sorted(f for f in needed if not (folder / f).exists())
    if missing and any(folder.glob("*.bin")):
        raise SpecError(
            f"{source}: pickled weights only ({next(folder.glob('*.bin')).name})",
            "safetensors, because unpickling runs code",
            "Load it elsewhere and save_pretrained it, or take a revision that has safetensors.",
        )
    if missing:
        hub = _is_hub(source)
        fix = f"Fetch it with: {download_command(source, folder.name)}" if hub else "Save it with save_pretrained."
        raise SpecError(f"{source}: no {', '.join(missing)} in {folder}", "weights as safetensors", fix)
    if not any((folder / f).exists() for f in ("tokenizer.json", "tokenizer.model", "vocab.json")):
        raise SpecError(f"{source}: no tokenizer in {folder}", "tokenizer.json", "Save the tokenizer beside the model.")


def digest(folder: Path) -> str:
    """SHA-256 over configuration, tokenizer files and weights."""
    weights = sorted(p.name for p in folder.glob("*.safetensors"))
    return _digest_of(folder, ("config.json", *TOKENIZER_FILES, *weights))


def tokenizer_digest(folder: Path) -> str:
    """SHA-256 over the tokenizer's files."""
    return _digest_of(folder, TOKENIZER_FILES)


def _digest_of(folder: Path, names: tuple[str, ...]) -> str:
    total = sha256()
    for name in names:
        path = folder / name
        if path.exists():
            stat = path.stat()
            total.update(f"{name} {_file_digest(path.resolve(), stat.st_size, stat.st_mtime_ns)}\n".encode())
    return total.hexdigest()


@lru_cache(maxsize=256)
def _file_digest(path: Path, size: int, mtime: int) -> str:
    # The hub's cache names large files by their SHA-256 and verifies it on arrival.
    if path.parent.name == "blobs" and re.fullmatch(r"[0-9a-f]{64}", path.name):
        return path.name
    total = sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            total.update(block)
    return total.hexdigest()
