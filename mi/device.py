"""device: where the code of a build puts its tensors. Imports nothing heavy."""

from __future__ import annotations

import os

VARIABLE = "MI_ASSAY_BUILD_DEVICE"


def device() -> str:
    """``"cpu"``, or what ``MI_ASSAY_BUILD_DEVICE`` says: whoever builds sets it for each build, ``"cuda"`` where there is a GPU.

    No recipe names a device, so that a result has one digest wherever it is made.
    """
    return os.environ.get(VARIABLE) or "cpu"
