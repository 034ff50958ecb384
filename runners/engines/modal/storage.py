"""The volume on Modal that holds the store, read from here: no container is started."""

from __future__ import annotations

import os
from pathlib import Path

from ...errors import RunnersError, StoreError
from ...store import FILES, MANIFEST, Store
from ...text import clean
from ..remote import CAP
from .access import require_modal

VOLUME_VARIABLE = "MI_ASSAY_MODAL_VOLUME"
# What decides which volume of that name it is. The token does too, but reading it would import Modal in every session.
_WHICH = ("MODAL_ENVIRONMENT", "MODAL_PROFILE", "MODAL_SERVER_URL")


def volume_name() -> str:
    """The volume with the store: what the user says, or ``mi-assay``."""
    return os.environ.get(VOLUME_VARIABLE) or "mi-assay"


class ModalStorage:
    """Artifacts on the volume, in the layout of :class:`Store`."""

    def __init__(self) -> None:
        which = [os.environ[name] for name in _WHICH if os.environ.get(name)]
        self.name = " ".join([f"Modal volume {volume_name()}", *which])
        self._layout = Store(Path(), CAP)  # for its paths

    def manifest(self, digest: str) -> str | None:
        """The text of an artifact's manifest; None if there is no such artifact.

        Raises:
            RunnersError: Modal cannot be asked.
        """
        require_modal()
        import modal

        from .app import volume

        path = (self._layout.home(digest) / MANIFEST).as_posix()
        try:
            return b"".join(volume.read_file(path)).decode("utf-8", "replace")
        except FileNotFoundError:
            return None
        except (modal.exception.Error, OSError) as exc:
            raise StoreError(f"{self.name} cannot be read: {clean(exc)}. Try again, or use --runner=local.") from None

    def fetch(self, digest: str, name: str, to: Path) -> None:
        """Write one file of an artifact to ``to``.

        Raises:
            OSError: it is not there any more, or does not arrive.
        """
        try:
            require_modal()
        except RunnersError as exc:
            raise OSError(str(exc)) from None
        import modal

        from .app import volume

        path = (self._layout.home(digest) / FILES / name).as_posix()
        try:
            with to.open("wb") as file:
                for part in volume.read_file(path):
                    file.write(part)
        except modal.exception.Error as exc:
            raise OSError(f"{name} did not arrive: {clean(exc)}") from None
