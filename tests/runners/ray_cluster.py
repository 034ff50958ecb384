"""A Ray cluster of two nodes on this machine, each with one CPU and one pretended GPU, in a process of its own.

Run as a program it kills the second node at the first line that it reads, and ends with its input.
"""

import importlib.util
import json
import os
import subprocess
import sys

import pytest

NODE = {"num_cpus": 1, "num_gpus": 1, "object_store_memory": 80 * 2**20}
needs_ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="ray is not installed (mi-assay[ray])")


class TwoNodes:
    """The cluster, as tests see it."""

    def __init__(self, folder, **variables):
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**_bare(), **variables},
            cwd=folder,
            text=True,
            start_new_session=True,
        )
        self.address = self._answer()["address"]

    def _answer(self):
        for line in self._process.stdout:
            if line.startswith("{"):
                return json.loads(line)
        raise AssertionError("the cluster did not start")

    def remove(self):
        """Lose the second node, with all that runs on it."""
        self._process.stdin.write("remove\n")
        self._process.stdin.flush()
        self._answer()

    def close(self):
        self._process.stdin.close()
        try:
            self._process.wait(30)
        finally:
            if self._process.poll() is None:
                self._process.kill()
            self._process.stdout.close()


def _bare():
    """Nothing that would let the nodes find code, a cluster or GPUs that they were not given."""
    hidden = ("PYTHONPATH", "RAY_ADDRESS", "CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS")
    return {k: v for k, v in os.environ.items() if k not in hidden} | {"RAY_USAGE_STATS_ENABLED": "0"}


def main():
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={**NODE, "include_dashboard": False})
    second = cluster.add_node(**NODE)
    print(json.dumps({"address": cluster.address}), flush=True)
    try:
        for _ in sys.stdin:
            cluster.remove_node(second, allow_graceful=False)
            print("{}", flush=True)
    finally:
        cluster.shutdown()


if __name__ == "__main__":
    main()
