"""Failures: what could not be built in this session, so that twenty tests do not try it twenty times."""

from __future__ import annotations

import contextlib
import json
import os
import time
from pathlib import Path
from typing import Any

from .errors import BuildFailedError, InfrastructureError
from .recipe import Recipe
from .session import Session

KEPT = 86400.0  # seconds; another session never reads them


class Failures:
    """One small file per digest that failed last; the session's processes share them."""

    def __init__(self, folder: Path, session: Session) -> None:
        self._folder, self._session = folder, session

    def remember(self, recipe: Recipe, error: BuildFailedError | InfrastructureError) -> None:
        """Keep an error for the rest of the session."""
        data: dict[str, Any] = {"session": self._session.id}
        if isinstance(error, InfrastructureError):
            data |= {"lost": str(error), "fix": error.fix}
        else:
            data |= {"brief": error.brief, "refusal": error.refusal}
        path = self._folder / f"{recipe.digest}.json"
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            temporary = path.with_suffix(f".{os.getpid()}")
            temporary.write_text(json.dumps(data), "utf-8")
            os.replace(temporary, path)

    def recall(self, recipe: Recipe) -> BuildFailedError | InfrastructureError | None:
        """The error of an earlier try in this session."""
        try:
            data = json.loads((self._folder / f"{recipe.digest}.json").read_text("utf-8"))
            if data["session"] != self._session.id:
                return None
            if "lost" in data:
                return InfrastructureError(data["lost"], data["fix"])
            text = data["brief"]
            if data["refusal"] is None:
                text += "\nIt failed earlier in this session and was not tried again; the first report says where."
            return BuildFailedError(text, data["brief"], data["refusal"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def sweep(self) -> None:
        """Forget sessions that are over."""
        for path in self._folder.glob("*"):
            with contextlib.suppress(OSError):
                if time.time() - path.stat().st_mtime > KEPT:
                    path.unlink()
