"""Builders for containers: nothing of this machine is there, so what they saw comes back as facts and files."""

import hashlib
import os
import signal
import time
import warnings
from pathlib import Path

from runners.errors import StoreWarning
from runners.home import sibling
from runners.recipe import Recipe, Resources


def toy(name, /, resources=None, inputs=None, **params):
    """The recipe of a builder below."""
    return Recipe(f"modal_toys:{name}", 1, params, inputs or {}, resources or Resources())


def write(out: Path, *, progress, text, **inputs):
    below = "".join((path / "text.txt").read_text() for path in inputs.values())
    (out / "text.txt").write_text(text + below)
    return {"length": len(text + below)}


def shards(out: Path, *, progress, n, pause, tag=""):
    """Files, one by one; counts those that it found."""
    found = len(list(out.iterdir()))
    with progress("shards", n, "files") as bar:
        for k in range(found, n):
            (out / f"{k}.txt").write_text(f"{tag}{k}")
            bar.update(1)
            time.sleep(pause)
    return {"found": found}


shards.resumable = True


def sleep(out: Path, *, progress, seconds, tag=""):
    with progress("sleeping", None, "s") as bar:
        bar.update(1)
        time.sleep(seconds)
    return {"slept": seconds}


def fails(out: Path, *, progress, message):
    raise ValueError(message)


class Refused(ValueError):
    refused = True
    given, expected, fix = "three rows", "ten", "Bring more."


def refuses(out: Path, *, progress):
    raise Refused("three rows. Expected ten. Bring more.")


def dies(out: Path, *, progress):
    os.write(2, b"last words of a library\n")
    time.sleep(0.3)
    os.kill(os.getpid(), signal.SIGKILL)


def talks(out: Path, *, progress, tag=""):
    print("printed")
    os.write(1, b"written by a li")
    time.sleep(0.3)
    os.write(1, b"brary\n")
    warnings.warn("the store's own business", StoreWarning, stacklevel=1)
    progress.say("said")
    return {"done": True}


def weights(out: Path, *, progress):
    """Data files that belong to the sources."""
    folder = Path(sibling("mi.organism").__file__).parent
    found = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()}
    return {name: hashlib.sha256(p.read_bytes()).hexdigest() for name, p in found.items()}


def looks(out: Path, *, progress, paths, names, below=None):
    """Which of these paths exist, and what these variables say."""
    there = [p for p in paths if Path(p).exists()]
    variables = {name: os.environ.get(name) for name in names}
    return {"there": there, "variables": variables, "home": str(Path(sibling("runners.home").__file__).parent)}


def process(out: Path, *, progress, tag):
    return {"pid": os.getpid()}


def token(out: Path, *, progress, tag=""):
    """Never the token itself: facts are kept."""
    return {"token": hashlib.sha256(os.environ.get("HF_TOKEN", "").encode()).hexdigest()}


def dies_once(out: Path, *, progress, pause, tag=""):
    """Its process is killed in the first try, ``pause`` seconds after it has left something."""
    found = len(list(out.iterdir()))
    (out / f"{found}.txt").write_text(tag)
    if not found:
        with progress("dying", None, "s") as bar:
            for _ in range(10):
                time.sleep(pause / 10)
                bar.update(1)
        os.kill(os.getpid(), signal.SIGKILL)
    return {"found": found}


dies_once.resumable = True


def big(out: Path, *, progress, megabytes, tag=""):
    """Bytes that do not compress, the same everywhere."""
    block = b"".join(hashlib.sha256(f"{tag}{k}".encode()).digest() for k in range(2**15))
    (out / "data.bin").write_bytes(block * megabytes)
    return {"sha256": hashlib.sha256(block * megabytes).hexdigest()}
