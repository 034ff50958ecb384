"""Manifests as the store writes them, for artifacts that no builder made."""

import hashlib

from runners.artifact import Manifest, content_of


def manifest_text(digest, files, recipe=None):
    """The sealed manifest of these files (``{name: bytes}``)."""
    named = {n: {"sha256": hashlib.sha256(raw).hexdigest(), "bytes": len(raw)} for n, raw in files.items()}
    return Manifest(
        digest=digest,
        recipe=recipe or {"root": digest, "recipes": {}},
        files=named,
        content=content_of(named),
        inputs={},
        facts={},
        seconds=1.0,
        when="2026-11-20T12:00:00Z",
        runner="local",
        device="cpu",
        platform="Linux",
        packages={},
        session="s",
    ).to_text()
