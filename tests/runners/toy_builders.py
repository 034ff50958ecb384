"""Builders of the tests: small, counted, and each with one way to go wrong. Found by name, in any process."""

import errno
import os
import signal
import sys
import time
import warnings
from pathlib import Path

from runners.errors import StoreWarning
from runners.recipe import Recipe


def toy(name, /, version=1, inputs=None, label="", **params):
    """The recipe of a builder below."""
    return Recipe(build=f"toy_builders:{name}", version=version, params=params, inputs=inputs or {}, label=label)


def count(name):
    """One line per build, in a file that all processes share."""
    with Path(os.environ["TOY_LOG"]).open("a") as file:
        file.write(f"{name}\n")


def write(out: Path, *, progress, text="hello", **inputs):
    count(text)
    below = "".join((path / "text.txt").read_text() for path in inputs.values())
    (out / "text.txt").write_text(text + below)
    (out / "shards").mkdir()
    (out / "shards" / "0.bin").write_bytes(bytes(range(256)) * 40)
    return {"length": len(text + below)}


def strict(out: Path, *, progress, text, tail="", below=None):
    count(text)
    (out / "text.txt").write_text(text + tail)


def big(out: Path, *, progress, name, size, below=None):
    count(name)
    (out / "data.bin").write_bytes(b"\0" * size)


def only_facts(out: Path, *, progress, value):
    return {"value": value}


def slow(out: Path, *, progress, seconds, name="slow"):
    count(name)
    (out / "half.txt").write_text("half")
    time.sleep(seconds)
    (out / "text.txt").write_text(name)


def steps(out: Path, *, progress, total, pause=0.0):
    count("steps")
    with progress("stepping", total, "steps") as bar:
        for k in range(total):
            bar.update(1)
            bar.note(f"at {k}")
            time.sleep(pause)
    (out / "text.txt").write_text("done")


def fails(out: Path, *, progress, message="no luck"):
    count("fails")
    (out / "half.txt").write_text("half")
    raise ValueError(message)


class Refused(ValueError):
    refused = True
    given, expected, fix = "three rows", "ten", "Bring more."


def refuses(out: Path, *, progress):
    raise Refused("three rows. Expected ten. Bring more.")


def disk_full(out: Path, *, progress):
    (out / "half.txt").write_text("half")
    raise OSError(errno.ENOSPC, "No space left on device")


def disk_full_in_a_library(out: Path, *, progress):
    (out / "half.txt").write_text("half")
    try:
        raise OSError(errno.ENOSPC, "No space left on device")
    except OSError as exc:
        raise RuntimeError("could not serialize") from exc


def endless(out: Path, *, progress):
    with (out / "data.bin").open("wb") as file:
        while True:
            file.write(b"\0" * 65536)


def die(out: Path, *, progress, flag=None):
    """Kills its own process in the middle; with ``flag`` (a path) only the first time."""
    count("die")
    if flag is None or not Path(flag).exists():
        if flag is not None:
            Path(flag).touch()
        (out / "half.txt").write_text("half")
        print("last words", file=sys.stderr, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    (out / "text.txt").write_text("alive")


def resume(out: Path, *, progress, flag):
    """Writes three shards, and is killed after the first one if ``flag`` is not there yet."""
    for k in range(3):
        path = out / f"{k}.txt"
        if path.exists():
            continue
        count(f"shard {k}")
        path.write_text(str(k))
        if not Path(flag).exists():
            Path(flag).touch()
            os.kill(os.getpid(), signal.SIGKILL)


resume.resumable = True


class Unpaid(ValueError):
    """What has been done so far was paid for."""

    keeps_work = True


def resume_or_stop(out: Path, *, progress, how):
    found = sorted(p.name for p in out.iterdir())
    count(f"found {found}")
    if not found:
        (out / "0.txt").write_text("0")
        raise {"error": ValueError, "interrupt": KeyboardInterrupt, "unpaid": Unpaid}[how]


resume_or_stop.resumable = True


def link(out: Path, *, progress):
    (out / "link").symlink_to("/")


def nothing(out: Path, *, progress):
    pass


def not_json(out: Path, *, progress):
    return {"path": out}


def environment(out: Path, *, progress, name):
    return {"value": os.environ.get(name), "pid": os.getpid()}


def meet(out: Path, *, progress, folder, name, other):
    """Waits for a build that has to run at the same time."""
    (Path(folder) / name).touch()
    for _ in range(1000):
        if (Path(folder) / other).exists():
            return {"met": True}
        time.sleep(0.01)
    raise TimeoutError(f"{other} never started")


def undecided(out: Path, *, progress):
    """Another content every time."""
    count("undecided")
    (out / "text.txt").write_bytes(os.urandom(8))


def warns(out: Path, *, progress):
    warnings.warn("a library's own business", UserWarning, stacklevel=1)
    warnings.warn("the store's own business", StoreWarning, stacklevel=1)
    print("noise on stdout")
    return {"done": True}


def children(out: Path, *, progress, seconds):
    """Starts a process of its own and waits for it."""
    import subprocess

    child = subprocess.Popen(["sleep", str(seconds)])
    Path(os.environ["TOY_LOG"]).with_name("pids").write_text(f"{os.getpid()} {child.pid}")
    child.wait()


def no_out(*, progress):
    pass


broken = 7
