"""Where workers of a Ray cluster keep artifacts: a folder that all its nodes see, and this process perhaps not."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from ...errors import InfrastructureError
from ...store import MANIFEST, Store
from ..remote import CAP

PART = 8 * 10**6  # bytes that are brought at a time
Bring = Callable[[str, int, int], bytes | None]


class RayStorage:
    """A store in a shared folder.

    Attributes:
        bring: reads a part of a file on the cluster (:func:`runners.engines.ray.worker.part`); None where this process sees the
            folder itself.
    """

    def __init__(self, root: Path) -> None:
        self.root, self.name = root, f"ray {root}"
        self.bring: Bring | None = None
        self._store = Store(root, CAP)

    def manifest(self, digest: str) -> str | None:
        """The text of an artifact's manifest; None if there is no such artifact.

        Raises:
            InfrastructureError: the folder cannot be read.
        """
        path = self._store.home(digest) / MANIFEST
        try:
            if self.bring is None:
                return path.read_text("utf-8")
            data = b"".join(self._parts(path))
        except FileNotFoundError:
            return None
        except OSError as exc:
            raise InfrastructureError(
                f"the artifacts of the Ray cluster in {self.root} cannot be read: {exc}"
            ) from None
        return data.decode("utf-8", "replace")

    def fetch(self, digest: str, name: str, to: Path) -> None:
        """Write one file of an artifact to ``to``.

        Raises:
            OSError: it is not there any more, or does not arrive.
        """
        path = self._store.folder(digest) / name
        if self.bring is None:
            shutil.copyfile(path, to)
            return
        with to.open("wb") as file:
            for data in self._parts(path):
                file.write(data)

    def _parts(self, path: Path) -> Iterator[bytes]:
        assert self.bring is not None
        start, data = 0, None
        while data is None or len(data) == PART:
            data = self.bring(str(path), start, PART)
            if data is None:
                raise FileNotFoundError(f"{path} is not on the Ray cluster")
            yield data
            start += PART
