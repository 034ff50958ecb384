"""What a sweep over circuits costs: in probes by K and by number of random sets, in passes whole and resumed.

    python -m benchmarks.workshop.circuits

Ratios within one run. Rows for the probes are made up (their number and width are those of the embedded model's plan);
the passes are the embedded model's.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from .turns import head, line, over, seconds, tail

ROWS, WIDTH, RATE = 1_000, 512, 0.05
KS, SETS = (5, 50), (20, 100)
ITEMS, PASSES = 64, 10


def main() -> None:
    import torch

    torch.set_num_threads(1)
    head("circuits", "1 thread")
    with tempfile.TemporaryDirectory() as name:
        _probes(Path(name))
    _passes()
    tail(f"{ROWS} training rows of {WIDTH} latents; {ITEMS} questions")


def _probes(folder: Path) -> None:
    from safetensors.numpy import save_file

    from mi.circuits.probing import find, probing
    from mi.probing.pooled import FILE
    from mi.progress import SILENT
    from mi.texts import write_documents

    rng = np.random.default_rng(0)
    rows = {}
    for split in ("train", "test"):
        y = np.arange(ROWS) % 2
        x = np.where(rng.random((ROWS, WIDTH)) < RATE, rng.gamma(4.0, 0.25, (ROWS, WIDTH)), 0.0)
        x[:, :3] += y[:, None]
        rows[split] = folder / split
        rows[split].mkdir()
        lines = (
            {"id": f"{split}{k}", "text": f"{split} {k}", "domain": "d", "split": split, "label": int(label)}
            for k, label in enumerate(y)
        )
        write_documents(rows[split], lines, SILENT, split)
        save_file({"sae": x.astype(np.float32)}, rows[split] / FILE)

    def sweep(ks: tuple[int, ...], draws: int) -> None:
        out = Path(tempfile.mkdtemp(dir=folder))
        (out / "found").mkdir()
        (out / "probes").mkdir()
        find(out / "found", progress=SILENT, train=rows["train"], coders=["sae"], ks=list(ks), draws=draws)
        probing(out / "probes", progress=SILENT, circuits=out / "found", **rows)

    (small, large), (few, many) = KS, SETS
    arms = {
        "small": lambda: sweep((small,), few),
        "large": lambda: sweep((large,), few),
        "many": lambda: sweep((small,), many),
    }
    taken = seconds(arms)
    line(f"K={small}, {few} random sets of each kind: seconds", taken["small"])
    line(f"K={large} / K={small}", over(taken["large"], taken["small"]))
    line(f"{many} random sets / {few} ({many // few} times as many)", over(taken["many"], taken["small"]))


def _passes() -> None:
    import torch

    from fixtures.plan import plan_for
    from mi.circuits.answers import Answers
    from mi.circuits.resumed import resumed
    from mi.organism.world import items
    from mi.subjects.load import load_subject
    from mi.subjects.spec import subject_spec

    spec = subject_spec("organism")
    site = plan_for(spec).residual
    subject = load_subject(spec)
    answers = Answers(subject, items("negation", "held-out", 7, ITEMS))
    edit = {site: torch.neg}

    def whole() -> None:
        for _ in range(PASSES):
            subject.run_edited(answers.batch, edit)

    def short() -> None:
        with resumed(subject, answers.batch, site, answers.last):
            for _ in range(PASSES):
                subject.run_edited(answers.batch, edit)

    taken = seconds({"whole": whole, "resumed": short})
    line(f"{PASSES} passes with an edit at {site}: seconds", taken["whole"], digits=3)
    line("whole passes / passes resumed at the edit", over(taken["whole"], taken["resumed"]))


if __name__ == "__main__":
    main()
