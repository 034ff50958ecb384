"""Eviction: keep the store under its cap, least recently used first."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

from .artifact import Entry
from .store import Store


@dataclass(frozen=True)
class Evicted:
    """What an eviction did.

    Attributes:
        gone: what was removed (or would be), oldest first.
        spared: what should have gone, and is in use or being built.
        bytes: size of what is left.
    """

    gone: tuple[Entry, ...]
    spared: tuple[Entry, ...]
    bytes: int


def fit(store: Store, cap: int | None = None) -> Evicted:
    """Remove the least recently used artifacts until the rest fits in ``cap`` bytes (default: the store's)."""
    limit = store.cap if cap is None else cap
    entries = sorted(store.entries(), key=lambda e: (e.used, e.digest))
    return _remove(store, entries, limit, dry_run=False)


def collect(
    store: Store, *, cap: int | None = None, older: float | None = None, everything: bool = False, dry_run: bool = False
) -> Evicted:
    """What ``gc`` does: remove what was not used for ``older`` seconds, or all, or what does not fit in ``cap`` bytes."""
    entries = sorted(store.entries(), key=lambda e: (e.used, e.digest))
    if everything or older is not None:
        limit = time.time() - (older or 0.0)
        chosen = [e for e in entries if everything or e.used < limit]
        done = _remove(store, chosen, -1, dry_run=dry_run)
        left = sum(e.bytes for e in entries) - sum(e.bytes for e in done.gone)
        return Evicted(done.gone, done.spared, left)
    return _remove(store, entries, store.cap if cap is None else cap, dry_run=dry_run)


def _remove(store: Store, entries: Iterable[Entry], limit: int, *, dry_run: bool) -> Evicted:
    """Go through ``entries`` in order while they are larger than ``limit`` bytes together."""
    entries = list(entries)
    left = sum(e.bytes for e in entries)
    gone: list[Entry] = []
    spared: list[Entry] = []
    used = store.leases.in_use() if left > limit else set()
    for entry in entries:
        if left <= limit:
            break
        if entry.digest in used or not (dry_run or store.evict(entry.digest)):
            spared.append(entry)
            continue
        left -= entry.bytes
        gone.append(entry)
    return Evicted(tuple(gone), tuple(spared), left)
