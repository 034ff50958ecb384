"""The Hugging Face cache: where a model's files lie, and how they get there. Imports nothing heavy."""

from __future__ import annotations

import shlex
from pathlib import Path

from .errors import NotHere
from .registry import Known

PATTERNS = ("*.safetensors", "*.json", "*.txt", "tokenizer.model", "*.jinja")


def download_command(source: str, revision: str | None) -> str:
    """The command that fetches a model without pickled weights."""
    pinned = f" --revision {revision}" if revision else ""
    return f"hf download {source}{pinned} " + " ".join(f"--include {shlex.quote(p)}" for p in PATTERNS)


def in_cache(source: str, revision: str | None, entry: Known | None) -> Path:
    """The snapshot of a model, under any of its names.

    Raises:
        NotHere: it is not in the cache; its ``command`` fetches it.
    """
    from huggingface_hub import try_to_load_from_cache

    for repo in (source, *(entry.sources if entry else ())):
        found = try_to_load_from_cache(repo, "config.json", revision=revision)
        if isinstance(found, str):
            return Path(found).parent
    pinned = f" at {revision}" if revision else ""
    raise NotHere(f"{source}{pinned} is not in the Hugging Face cache", download_command(source, revision))


def download(source: str, revision: str) -> None:
    """Fetch exactly this revision, without pickled weights.

    Raises:
        NotHere: it does not arrive, and why.
    """
    from huggingface_hub import snapshot_download

    try:
        snapshot_download(source, revision=revision, allow_patterns=list(PATTERNS))
    except Exception as error:  # of the library, of its HTTP client, or of the disk
        said = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        raise NotHere(
            f"{source} at {revision} could not be downloaded ({said})",
            download_command(source, revision),
            f"Fetch it with: {download_command(source, revision)} (a model behind a licence: accept it on its page, "
            "and give that account's token in HF_TOKEN)",
        ) from error
