"""Builders that say where on a Ray cluster they run, and stay until they are told to go on."""

import os
import subprocess
import time
from pathlib import Path


def place(out: Path, *, progress, folder, name, wait=True, below=None):
    """Leave ``folder/name`` with the ids of this process and a child; go on when ``folder/go`` is there."""
    import ray

    found = {"node": ray.get_runtime_context().get_node_id(), "gpus": os.environ.get("CUDA_VISIBLE_DEVICES")}
    if below is not None:
        found["below"] = (below / "text.txt").read_text()
    child = subprocess.Popen(["sh", "-c", "trap '' TERM; exec sleep 602"])
    Path(folder, f"{name}.new").write_text(f"{os.getpid()} {child.pid}")
    Path(folder, f"{name}.new").rename(Path(folder, name))
    while wait and not Path(folder, "go").exists():
        time.sleep(0.02)
    child.kill()
    child.wait()
    (out / "text.txt").write_text(name)
    return found
