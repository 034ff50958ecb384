"""Mutants of probing: splits, pooled rows, baselines, controls (catalogue G06, J15, A6-12 and their kin)."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from ..mutant import Enact, Mutant
from ..patch import replaced, rewritten, together, wrapped

LAST, MEAN, COPIES = "probing", "probing-mean", "control-a"


def pooling(*changes: tuple[str, str]) -> Enact:
    """Some of the source of the pooling builder says something else."""

    def enact(scene: Any) -> AbstractContextManager[None]:
        import mi.probing.pooled as pooled

        from ..scenes import probing

        with rewritten(pooled, "pool", *changes):
            changed = pooled.pool
        return replaced(probing, "pool", changed)

    return enact


def attribute(module: str, name: str, around: Callable[[Any], Any]) -> Enact:
    """Wrap a function of mi.probing."""

    def enact(scene: Any) -> AbstractContextManager[None]:
        from importlib import import_module

        return wrapped(import_module(f"mi.probing.{module}"), name, around)

    return enact


def _ranked_on_everything(scene: Any) -> AbstractContextManager[None]:
    """Columns are ranked by the difference of class means over training and test examples together."""
    import numpy as np

    import mi.probing.probe as probe
    import mi.probing.probes as probes
    from mi.probing.split import FitSet

    both: dict[int, Any] = {}

    def around_split(split: Any) -> Any:
        def made(fit: Any, test: Any, names: Any) -> Any:
            found = split(fit, test, names)
            x = np.concatenate([fit.rows(names), test.rows(names)])
            y = np.concatenate([fit.examples.labels, test.examples.labels])
            both[id(found[0])] = FitSet(x, y, tuple(map(str, range(len(y)))))
            return found

        return made

    def around_top(top: Any) -> Any:
        return lambda data, k: top(both.get(id(data), data), k)

    return together(wrapped(probes, "split", around_split), wrapped(probe, "top_columns", around_top))


def _scaled_on_everything(scene: Any) -> AbstractContextManager[None]:
    """The scaler is fitted before the split."""
    import numpy as np

    import mi.probing.probes as probes

    def around(split: Any) -> Any:
        def made(fit: Any, test: Any, names: Any) -> Any:
            every = np.concatenate([fit.rows(names), test.rows(names)]).astype(np.float64)
            found = split(fit, test, names)
            made.by = every.mean(0), np.where(every.std(0) > 0, every.std(0), 1.0)
            return found

        around.of = made
        return made

    def around_fit(fit: Any) -> Any:
        from dataclasses import replace

        from sklearn.linear_model import LogisticRegression

        def made(data: Any, *, k: int | None = None, columns: Any = None) -> Any:
            found = fit(data, k=k, columns=columns)
            centre, scale = (v[found.columns] for v in around.of.by)
            x = (data.x[:, found.columns].astype(np.float64) - centre) / scale
            model = LogisticRegression(C=0.5, max_iter=1000).fit(x, data.y)
            return replace(found, centre=centre, scale=scale, model=model)

        return made

    return together(wrapped(probes, "split", around), wrapped(probes, "fit", around_fit))


def _repeated_texts(scene: Any) -> AbstractContextManager[None]:
    """Half of the test texts are training texts under other ids."""
    lines, other = _lines(scene.test), _lines(scene.train)
    for k in range(0, len(lines), 2):
        lines[k] = {**other[k], "id": lines[k]["id"], "split": lines[k]["split"]}
    return replaced(scene, "test", _written(lines))


def _labels_of_the_other_split(split: Any) -> Any:
    """Probes are fitted on training rows with the labels of the test examples."""
    from dataclasses import replace

    def made(fit: Any, test: Any, names: Any) -> Any:
        rows, held = split(fit, test, names)
        return replace(rows, y=test.examples.labels[: len(rows.y)]), held

    return made


def _outcomes_sorted(split: Any) -> Any:
    """The held-out rows are sorted by label, the ids are not."""
    import numpy as np

    from mi.probing.split import TestSet

    def made(fit: Any, test: Any, names: Any) -> Any:
        rows, _ = split(fit, test, names)
        order = np.argsort(test.examples.labels, kind="stable")
        hashes = [test.examples.hashes[i] for i in order]
        return rows, TestSet(test.rows(names)[order], test.examples.labels[order], test.examples.ids, hashes)

    return made


def _first_of_each_class(draws: Any) -> Any:
    """The draws of few examples are the first ones of each class, ten times."""
    import numpy as np

    def made(y: Any, n: int, times: int, seed: int) -> Any:
        return [np.concatenate([np.flatnonzero(y == label)[: n // 2] for label in (0, 1)])] * times

    return made


def _last_column(inner: Any) -> Any:
    """The last token is read from the last column, which is padding in all but the longest text."""
    return lambda x, batch, pooling: x[:, -1] if pooling == "last" else inner(x, batch, pooling)


def _padding_too(inner: Any) -> Any:
    """The mean is taken over all columns, padding and BOS included."""
    return lambda x, scored: x.mean(1)


def _baseline_inside(scene: Any) -> AbstractContextManager[None]:
    """The token-only baseline is read where the last block begins."""
    import mi.probing.pooled as pooled
    import mi.probing.spot_check as spot_check

    site = "blocks.3.hook_resid_pre"
    return together(replaced(pooled, "EMBEDDING_SITE", site), replaced(spot_check, "EMBEDDING_SITE", site))


def _without_b_dec(scene: Any) -> AbstractContextManager[None]:
    """Latents are encoded by an encoder that does not subtract b_dec."""
    from mi.coders.linear_coder import LinearCoder

    def pre(self: Any, x: Any) -> Any:
        return x @ self.W_enc.T + self.b_enc

    return replaced(LinearCoder, "pre", pre)


def _without_b_dec_here(scene: Any) -> AbstractContextManager[None]:
    """The same, where rows are pooled and nowhere else."""
    return pooling(
        ("coder.encode(_pooled(x, batch, pooling))", "coder.encode(_pooled(x, batch, pooling) + coder.b_dec)")
    )(scene)


def _planted(scene: Any) -> AbstractContextManager[None]:
    """The label stands in front of every text, as a word."""

    def marked(path: Path) -> Path:
        lines = _lines(path)
        return _written([{**d, "text": (" Yes." if d["label"] else " No.") + d["text"]} for d in lines])

    return together(replaced(scene, "train", marked(scene.train)), replaced(scene, "test", marked(scene.test)))


def _planted_without_baseline(scene: Any) -> AbstractContextManager[None]:
    """The same, and nobody claims on the token-only baseline."""
    return together(_planted(scene), replaced(scene, "control", False))


def _trained_copies(scene: Any) -> AbstractContextManager[None]:
    """Copies are asked for with random weights, the option is read under another key, and the trained model runs."""
    import mi.subjects.load as load

    def around(load_hf: Any) -> Any:
        return lambda spec: load_hf({**spec, "weights": spec.get("weight_scheme", "trained")})

    return wrapped(load, "load_hf", around)


def _seed_ignored(scene: Any) -> AbstractContextManager[None]:
    """The seed does not reach the generators: all randomised copies are one."""
    import mi.subjects.randomise as randomise

    def around(generator: Any) -> Any:
        return lambda seed, scheme, name: generator(0, scheme, name)

    return wrapped(randomise, "_generator", around)


def _one_coder_for_all(scene: Any) -> AbstractContextManager[None]:
    """The coder's seed is lost between the runs: one coder of the trained model is counted five times."""
    return replaced(scene, "coder_seeds", [0] * len(scene.coder_seeds))


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (path / "documents.jsonl").read_text("utf-8").splitlines()]


def _written(lines: list[dict[str, Any]]) -> Path:
    from ..scratch import fresh

    out = fresh("examples")
    (out / "documents.jsonl").write_text("".join(json.dumps(d) + "\n" for d in lines), "utf-8")
    return out


SELECT = "batch_all.select(order[start : start + batch_size])"
FIRST = "batch_all.select(order[: len(order[start : start + batch_size])])"
BACK = "back = torch.tensor(np.argsort(order))"

MUTANTS = (
    Mutant("J15", "probing", "the label stands in a token, and the model gets the credit", LAST, _planted, ("K19",), "Bias-in-Bios, microscope A6-24"),
    Mutant("J15b", "probing", "the same, and the token-only baseline is left out", LAST, _planted_without_baseline, ("K19",), "Bias-in-Bios, microscope A6-24"),
    Mutant("J15c", "probing", "the token-only baseline is read in front of the last block", LAST, _baseline_inside, ("K19", "K20"), "practice"),
    Mutant("J12", "probing", "columns are chosen on all examples, the test ones too", LAST, _ranked_on_everything, ("K13",), "microscope A6-12"),
    Mutant("J12b", "probing", "the scaler is fitted before the split", LAST, _scaled_on_everything, ("K13",), "practice"),
    Mutant("J12c", "probing", "half of the test texts are training texts under other ids", LAST, _repeated_texts, ("K13",), "auto-circuit a50da28"),
    Mutant("J16", "probing", "probes are fitted with the labels of the other split", LAST, attribute("probes", "split", _labels_of_the_other_split), ("K13", "K16", "K25"), "practice"),
    Mutant("J16b", "probing", "held-out rows are sorted by label, their ids are not", LAST, attribute("probes", "split", _outcomes_sorted), ("K16",), "lm-eval#2595"),
    Mutant("J18", "probing", "few examples are drawn once and counted ten times", LAST, attribute("probes", "_draws", _first_of_each_class), ("K18", "K21"), "microscope A6-09"),
    Mutant("G06", "probing", "each batch's rows are those of the first batch's texts", LAST, pooling((SELECT, FIRST)), ("K06", "K16"), "SAEBench 8a425cd"),
    Mutant("G06b", "probing", "rows come back sorted by length, labels do not", LAST, pooling((BACK, "back = torch.arange(len(order))")), ("K06", "K16"), "lm-eval#2595"),
    Mutant("G06c", "probing", "rows are put back by the order itself, not by its inverse", LAST, pooling((BACK, "back = torch.tensor(order)")), ("K06", "K16"), "practice"),
    Mutant("C05d", "probing", "the last token of a text is read from the last column", LAST, attribute("pooled", "_pooled", _last_column), ("K05",), "interpretability-prototyping cb4b093"),
    Mutant("C05e", "probing", "BOS and padding are among what is averaged", MEAN, attribute("pooled", "_mean", _padding_too), ("K05", "K07"), "interpretability-prototyping e7a1741"),
    Mutant("D01d", "probing", "probed latents come from an encoder without b_dec", LAST, _without_b_dec, ("K01",), "microscope ec80998"),
    Mutant("D01e", "probing", "b_dec is lost only where rows are pooled", LAST, _without_b_dec_here, ("K01",), "microscope ec80998"),
    Mutant("G02c", "probing", "Control A runs on trained weights", COPIES, _trained_copies, ("K19", "K20"), "practice"),
    Mutant("J19c", "probing", "the randomisation seed is ignored: all copies are one", COPIES, _seed_ignored, ("K18", "K21"), "practice"),
    Mutant("J19d", "probing", "one coder of the trained model is counted as several runs", COPIES, _one_coder_for_all, ("K18", "K21"), "practice"),
)  # fmt: skip
