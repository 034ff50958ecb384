"""Probes per second, against SAEBench's own path on the same rows.

    python -m benchmarks.workshop.probing

Ratios within one run. Rows are made up, as wide as the embedded model's SAE. Both choose columns by difference of
class means and fit scikit-learn's logistic regression; ours standardises the columns, keeps the outcome of each
example and looks at each probe a second time, SAEBench keeps accuracies.
"""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
import warnings
from pathlib import Path

import numpy as np

from .turns import head, line, over, seconds, tail

TRAIN, TEST, WIDTH, RATE = 1_000, 600, 512, 0.05
KS = (1, 2, 5, 20)
BAR = 1.0
OURS, THEIRS = "probes here", "SAEBench's train_probe_on_activations"


def main() -> None:
    import torch

    torch.set_num_threads(1)
    head("sparse probes", "1 thread")
    try:
        import sae_bench  # noqa: F401
    except ImportError:
        print("  not run: SAEBench is not installed (extra `bench`; Python below 3.13)\n")
        return
    with tempfile.TemporaryDirectory() as name:
        _compare(Path(name))
    tail(f"{TRAIN} training and {TEST} test rows of {WIDTH} columns, k = {', '.join(map(str, KS))} and all")


def _compare(folder: Path) -> None:
    import torch
    from safetensors.numpy import save_file

    from mi.probing.pooled import FILE, TOKENS
    from mi.probing.probes import probes
    from mi.progress import SILENT
    from mi.texts import write_documents

    os.environ["JAXTYPING_DISABLE"] = "1"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from sae_bench.evals.sparse_probing.probe_training import train_probe_on_activations

    rng = np.random.default_rng(0)
    by_class: dict[str, dict[str, torch.Tensor]] = {}
    for split, n in (("train", TRAIN), ("test", TEST)):
        y = np.arange(n) % 2
        x = np.where(rng.random((n, WIDTH)) < RATE, rng.gamma(4.0, 0.25, (n, WIDTH)), 0.0).astype(np.float32)
        x[:, :3] += y[:, None] * 0.5
        (folder / split).mkdir()
        lines = (
            {"id": f"{split}{k}", "text": f"{split} {k}", "domain": "d", "split": split, "label": int(label)}
            for k, label in enumerate(y)
        )
        write_documents(folder / split, lines, SILENT, split)
        save_file({"sae": x, TOKENS: x[:, :1].copy()}, folder / split / FILE)
        by_class[split] = {str(label): torch.from_numpy(x[y == label]) for label in (0, 1)}

    def ours() -> None:
        out = Path(tempfile.mkdtemp(dir=folder))
        arms = {"train": folder / "train", "test": folder / "test", "arms": {"sae": "sae"}}
        probes(out, progress=SILENT, ks=list(KS), **arms)

    def theirs() -> None:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for k in (*KS, None):
                train_probe_on_activations(by_class["train"], by_class["test"], select_top_k=k)

    taken = seconds({OURS: ours, THEIRS: theirs})
    # Of two classes SAEBench fits each against the other, twice the same probe.
    made = {OURS: len(KS) + 2, THEIRS: 2 * (len(KS) + 1)}
    rates = {name: [made[name] / t for t in times] for name, times in taken.items()}
    for name, values in rates.items():
        line(f"{name}: probes per second", values, digits=0)
    line(f"{OURS} / {THEIRS}", over(rates[OURS], rates[THEIRS]), bar=BAR)


if __name__ == "__main__":
    main()
