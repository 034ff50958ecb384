"""Addresses inside the page, as the scripts write and read them."""

from __future__ import annotations

from urllib.parse import quote


def claim_link(label: str, subject: str) -> str:
    """The page of one row."""
    return f"#/claim/{quote(label, safe='')}/{quote(subject, safe='')}"
