"""The Ray engine: builds are tasks of a Ray cluster, an existing one or one that is started on this machine."""

from __future__ import annotations

import contextlib
import os
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...errors import InfrastructureError, NoGPUError, RunnersError
from ...gpu import CHOICE
from ...progress import SILENT, Progress
from ...recipe import Recipe, Resources
from ...store import Store
from ...text import clean, span
from ..engine import Job, Outcome, Price, Tell
from ..remote import outcome_of
from . import worker as ray_worker
from .address import ADDRESS, address, require_usable
from .code import surroundings_of_tasks
from .storage import RayStorage

STORE = "MI_ASSAY_RAY_STORE"
ERRAND = 60.0  # seconds for a small task that needs no place
GONE = 20.0  # seconds for what was cancelled to be gone
OBJECTS = 10**8  # bytes of Ray's object store: artifacts do not go through it
HIDDEN = {"env_vars": {"CUDA_VISIBLE_DEVICES": ""}}  # Ray shows all GPUs of a node to tasks that ask for none


class RayEngine:
    """Each build is a task with one CPU, and with one GPU if it asks for one; retries are the conductor's."""

    name, pause = "ray", 0.1

    def __init__(self, store: Store, progress: Progress = SILENT, width: int = 1) -> None:
        self.storage, self._progress, self.width = RayStorage(_folder(store)), progress, width
        self._ray: Any = None
        self._mailbox: Any = None
        self._taking: Any = None
        self._builds: dict[str, _Build] = {}

    def price(self, resources: Resources) -> Price:
        """Nobody sends a bill."""
        return Price(0.0, "ray, 1 GPU" if _needs_gpu(resources, os.environ.get(CHOICE)) else "ray, 1 CPU")

    def open(self, todo: Sequence[Recipe]) -> None:
        """Connect to ``$RAY_ADDRESS``, or start a cluster on this machine.

        Raises:
            RunnersError: no Ray, no cluster, or a folder that not all nodes share.
        """
        if self._ray is not None:
            return
        require_usable()
        import ray

        if ray.is_initialized():
            raise RunnersError(
                "Ray runs in this process already, without what builds need. Call ray.shutdown() before."
            )
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        options: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
        if not address():
            options |= {"include_dashboard": False, "object_store_memory": OBJECTS}
        env = surroundings_of_tasks(ours=not address())
        try:
            ray.init(address() or "local", runtime_env=env, **options)
        except Exception as exc:
            ray.shutdown()
            raise RunnersError(f"Ray does not start: {clean(exc)}") from None
        self._ray = ray
        try:
            self._mailbox = self._small(ray_worker.Mailbox, self._here()).remote()
            self._look_at_the_folder()
        except BaseException:
            self.close()
            raise

    def submit(self, job: Job, tell: Tell) -> _Build | None:
        """A task; None if ``width`` of them run, or as many as the cluster has places for.

        Raises:
            NoGPUError: it needs a GPU, and the cluster has none.
            RunnersError: the cluster has no CPU.
        """
        gpu = _needs_gpu(job.recipe.resources, job.device)
        places, running = self._places(gpu), [b.gpu for b in self._builds.values()]
        if places == 0:
            raise self._no_place(job.recipe, gpu)
        if len(running) >= self.width or running.count(gpu) >= places:
            return None
        options = {"num_gpus": 1, "max_calls": 1} if gpu else {"num_gpus": 0, "runtime_env": HIDDEN}
        task = self._ray.remote(num_cpus=1, max_retries=0, **options)(ray_worker.built)
        ref = task.options(name=f"build {job.recipe.name}").remote(
            job.to_json(), str(self.storage.root), job.key, self._mailbox
        )
        self._builds[job.key] = build = _Build(self, job, gpu, ref, tell)
        return build

    def close(self) -> None:
        """End all builds; and the cluster, if it was started here."""
        if self._ray is not None:
            for build in list(self._builds.values()):
                build.cancel()
            ray, self._ray, self._taking = self._ray, None, None
            ray.shutdown()

    def deliver(self, *, all_of_it: bool = False) -> None:
        """Pass on what builds have said; ``all_of_it`` waits for what the mailbox has now."""
        with contextlib.suppress(self._ray.exceptions.RayError):
            for _ in range(2 if all_of_it else 1):  # what is on its way may have left before the last message came
                self._taking = self._taking or self._mailbox.take.remote()
                if self._ray.wait([self._taking], timeout=ray_worker.FLUSH if all_of_it else 0)[0]:
                    ref, self._taking = self._taking, None
                    for key, message in self._ray.get(ref):
                        if key in self._builds:
                            self._builds[key].take(message)

    def finished(self, key: str) -> None:
        """A build's place is free."""
        self._builds.pop(key, None)

    def end_group(self, node: str, group: int) -> None:
        """Wait until a process group is gone; say so if it does not go."""
        if any(n["NodeID"] == node for n in self._nodes()):
            with contextlib.suppress(OSError):
                if self.errand(ray_worker.ended, group, GONE, node=node):
                    return
            self._progress.say(
                f"processes of a cancelled build may go on: group {group} on node {node} of the Ray cluster"
            )

    def errand(self, function: Any, *args: Any, node: str | None = None) -> Any:
        """What a small task returns, on some node or on ``node``.

        Raises:
            OSError: it did not come back, or met one.
        """
        ray = self._ray
        ref = self._small(function, {} if node is None else self._on(node)).remote(*args)
        try:
            return ray.get(ref, timeout=ERRAND)
        except OSError as exc:
            raise OSError(f"on the Ray cluster: {clean(getattr(exc, 'cause', exc))}") from None
        except ray.exceptions.RayError as exc:
            ray.cancel(ref)
            raise OSError(f"the Ray cluster does not answer: {clean(exc)[:300]}") from None

    def _small(self, function: Any, where: dict[str, Any]) -> Any:
        return self._ray.remote(num_cpus=0, **where)(function)

    def _on(self, node: str) -> dict[str, Any]:
        strategy = self._ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(node, soft=False)
        return {"scheduling_strategy": strategy}

    def _here(self) -> dict[str, Any]:
        return self._on(self._ray.get_runtime_context().get_node_id())

    def _nodes(self) -> list[dict[str, Any]]:
        return [node for node in self._ray.nodes() if node["Alive"] and node["Resources"].get("CPU", 0) >= 1]

    def _places(self, gpu: bool) -> int:
        wanted = ("CPU", "GPU") if gpu else ("CPU",)
        return sum(int(min(node["Resources"].get(name, 0) for name in wanted)) for node in self._nodes())

    def _no_place(self, recipe: Recipe, gpu: bool) -> RunnersError:
        has = self._ray.cluster_resources()
        found = f"{len(self._nodes())} nodes with {has.get('CPU', 0):.0f} CPUs and {has.get('GPU', 0):.0f} GPUs in all"
        if gpu:
            return NoGPUError(
                f"{clean(recipe)} needs a GPU and a CPU on one node; the Ray cluster has {found}.",
                f"Add a node with a GPU, or build on the CPU nevertheless: {CHOICE}=cpu.",
            )
        return InfrastructureError(f"{clean(recipe)} needs a CPU; the Ray cluster has {found}.", "Add a node.")

    def _saw(self, ref: Any) -> bool:
        """What a node said; one that is lost meanwhile builds nothing."""
        try:
            return bool(self._ray.get(ref))
        except self._ray.exceptions.RayError:
            return True

    def _look_at_the_folder(self) -> None:
        """Make sure that all nodes share the folder, and learn whether this process does."""
        path = self.storage.root / f".seen-{uuid.uuid4().hex}"
        try:
            self.errand(ray_worker.mark, str(path))
            look = [self._small(ray_worker.seen, self._on(n["NodeID"])).remote(str(path)) for n in self._nodes()]
            done, _ = self._ray.wait(look, num_returns=len(look), timeout=ERRAND) if look else ([], [])
            if not all(self._saw(ref) for ref in done):
                raise RunnersError(
                    f"{STORE}={self.storage.root} is not one folder: some nodes of the Ray cluster do not see what another "
                    "one writes there. Expected a folder on a file system that all nodes share."
                )
            if not path.exists():
                self.storage.bring = lambda *args: self.errand(ray_worker.part, *args)
            self.errand(ray_worker.unmark, str(path))
        except OSError as exc:
            raise RunnersError(f"{STORE}={self.storage.root} cannot be used: {exc}") from None


class _Build:
    """A task that builds."""

    def __init__(self, engine: RayEngine, job: Job, gpu: bool, ref: Any, tell: Tell) -> None:
        self.gpu = gpu
        self._engine, self._job, self._ref, self._tell = engine, job, ref, tell
        self._where: tuple[str, int] | None = None  # node and process group, once it runs
        self._began = 0.0
        self._outcome: Outcome | None = None

    def take(self, message: dict[str, Any]) -> None:
        """Something that the task has sent."""
        if "started" in message:
            self._where, self._began = (message["started"], message["group"]), time.monotonic()
        else:
            self._tell(message)

    def poll(self) -> Outcome | None:
        """How it ended; None while it runs."""
        if self._outcome is None:
            self._engine.deliver()
            if self._engine._ray.wait([self._ref], timeout=0)[0]:
                self._end(self._read())
            elif self._where and time.monotonic() - self._began > self._job.timeout:
                self.cancel()
                self._outcome = Outcome(lost=f"it was ended after {span(self._job.timeout)}, its limit", again=False)
        return self._outcome

    def cancel(self) -> None:
        """End it and what it started, and wait until it is gone."""
        if self._outcome is not None:
            return
        ray = self._engine._ray
        ray.cancel(self._ref, force=True)
        over = ray.wait([self._ref], timeout=GONE)[0]
        self._engine.deliver(all_of_it=True)
        outcome = self._read() if over else Outcome(lost="it was cancelled")
        if outcome.lost and self._where:  # else its process may have the next task by now
            self._engine.end_group(*self._where)
        self._end(outcome)

    def _end(self, outcome: Outcome) -> None:
        self._engine.deliver(all_of_it=True)
        self._engine.finished(self._job.key)
        self._outcome = outcome

    def _read(self) -> Outcome:
        """What became of a task that is over."""
        ray = self._engine._ray
        try:
            return outcome_of(ray.get(self._ref, timeout=ERRAND))
        except ray.exceptions.OutOfMemoryError as exc:
            return Outcome(lost=f"memory ran out on its node, and Ray ended it; {exc}")
        except ray.exceptions.TaskCancelledError:
            return Outcome(lost="it was cancelled")
        except ray.exceptions.NodeDiedError:
            return Outcome(lost="its node was lost")
        except ray.exceptions.WorkerCrashedError as exc:
            return Outcome(lost=f"its worker process died (the system does that when memory runs out); {exc}")
        except ray.exceptions.RuntimeEnvSetupError as exc:
            return Outcome(lost=f"the node could not set up the code of builds; {exc}", again=False)
        except ray.exceptions.RayTaskError as exc:
            return Outcome(lost=f"its worker failed before or beside the builder\n\n{exc}", again=False)
        except ray.exceptions.RayError as exc:
            return Outcome(lost=f"Ray lost it ({type(exc).__name__}); {exc}")


def _needs_gpu(resources: Resources, device: str | None) -> bool:
    return resources.gpu is not None and device != "cpu"


def _folder(store: Store) -> Path:
    """The folder for artifacts.

    Raises:
        RunnersError: a cluster by address, and nobody said where its nodes share files.
    """
    if named := os.environ.get(STORE):
        return Path(named).absolute()
    if address():
        raise RunnersError(
            f"{ADDRESS} is set and {STORE} is not. Expected a folder that all nodes of the cluster see, for artifacts: "
            f"{STORE}=/shared/mi-assay."
        )
    return store.root / "ray"
