"""Journal: what a scorer has answered so far, on disk as it comes, so that nothing is asked or paid twice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ..refusal import Refusal


def digest(*parts: Any) -> str:
    """SHA-256 of JSON values: equal parts, equal digest."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class Journal:
    """Records by key, in a file of one JSON object a line that only grows.

    A record is handed to the operating system before :meth:`put` returns. What a process that was killed left of a
    last line is dropped when the file is opened again. One process at a time writes to it.

    Raises:
        Refusal: a line that is no record and not the last.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._records: dict[str, dict[str, Any]] = {}
        self._file = path.open("a+b")
        try:
            self._read()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def __len__(self) -> int:
        return len(self._records)

    def __contains__(self, key: str) -> bool:
        return key in self._records

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """The records, oldest first."""
        return iter(self._records.values())

    def __getitem__(self, key: str) -> dict[str, Any]:
        """What was put under ``key``."""
        return self._records[key]

    def put(self, key: str, record: dict[str, Any]) -> None:
        """Keep a JSON record.

        Raises:
            Refusal: another record has this key.
        """
        if key in self._records:
            raise Refusal(f"a second answer to {key[:12]}", "each question to be asked once", "Look it up first.")
        self._file.write(json.dumps({"key": key, **record}).encode() + b"\n")
        self._file.flush()
        self._records[key] = record

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _read(self) -> None:
        self._file.seek(0)
        whole = 0
        for number, line in enumerate(self._file, 1):
            if not line.endswith(b"\n"):
                break
            try:
                record = json.loads(line)
                self._records[record.pop("key")] = record
            except (ValueError, TypeError, AttributeError, KeyError):
                raise Refusal(
                    f"line {number} of {self.path.name}, which is no record",
                    "one JSON object with a key on each line",
                    "The file was changed by others: remove it, and everything is asked again.",
                ) from None
            whole += len(line)
        self._file.truncate(whole)  # mode "a" writes at the end, wherever that is
