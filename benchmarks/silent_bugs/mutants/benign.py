"""Harmless changes: other code, other sizes, other order, the same right answer. No check may fire on them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..mutant import Enact, Mutant
from ..patch import replaced, together, wrapped
from .design import study
from .loading import altered


def setting(**fields: Any) -> Enact:
    """Another setting of the scene."""
    return lambda scene: together(*(replaced(scene, name, value) for name, value in fields.items()))


def _reversed_texts(scene: Any) -> AbstractContextManager[None]:
    from ..scratch import fresh

    out = fresh("texts")
    lines = (scene.texts / "documents.jsonl").read_text("utf-8").splitlines(keepends=True)
    (out / "documents.jsonl").write_text("".join(reversed(lines)), "utf-8")
    return replaced(scene, "texts", out)


def _double(scene: Any) -> AbstractContextManager[None]:
    from mi.subjects.spec import subject_spec

    return replaced(scene, "spec", subject_spec(scene.spec["source"], dtype="float64"))


def _eager(hf: Any) -> None:
    """The other implementation of attention."""
    hf.config._attn_implementation = "eager"


def _renamed_folder(scene: Any) -> AbstractContextManager[None]:
    """The same files under another path."""
    import shutil

    from mi.subjects.spec import subject_spec

    from ..scratch import fresh

    folder = fresh("elsewhere") / "model"
    shutil.copytree(scene.folder, folder)
    return together(replaced(scene, "folder", folder), replaced(scene, "spec", subject_spec(folder)))


def _resaved(scene: Any) -> AbstractContextManager[None]:
    """The same weights, saved again by the library."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from mi.subjects.spec import subject_spec

    from ..scratch import fresh

    folder = fresh("resaved")
    AutoModelForCausalLM.from_pretrained(scene.folder).save_pretrained(folder)
    AutoTokenizer.from_pretrained(scene.folder).save_pretrained(folder)
    return together(replaced(scene, "folder", folder), replaced(scene, "spec", subject_spec(folder)))


def _two_threads(scene: Any) -> AbstractContextManager[None]:
    from contextlib import contextmanager

    @contextmanager
    def threads() -> Any:
        import torch

        before = torch.get_num_threads()
        torch.set_num_threads(2)
        try:
            yield
        finally:
            torch.set_num_threads(before)

    return threads()


def _other_pad_id(scene: Any) -> AbstractContextManager[None]:
    """Padding with another id of the vocabulary; it is masked."""
    from mi.subjects.tokens import Vocabulary

    def around(inner: Any) -> Any:
        return lambda cls, *given, **more: replace(inner(cls, *given, **more), pad=7)

    return wrapped(Vocabulary, "of", around)


def _wider_padding(scene: Any) -> AbstractContextManager[None]:
    """Every batch of the harvest is padded three columns further than needed, as some kernels like it."""
    import torch
    from torch.nn.functional import pad

    from mi.activations import shard_writer
    from mi.subjects.tokens import TokenBatch

    class Wider:
        @staticmethod
        def of(rows: Any, pad_id: int) -> Any:
            batch = TokenBatch.of(rows, pad_id)
            return replace(
                batch,
                ids=pad(batch.ids, (0, 3), value=pad_id),
                attend=pad(batch.attend.to(torch.uint8), (0, 3)).bool(),
                scored=pad(batch.scored.to(torch.uint8), (0, 3)).bool(),
            )

    return replaced(shard_writer, "TokenBatch", Wider)


def _chunked(inner: Any) -> Any:
    """Encodes a hundred rows at a time."""

    def encode(self: Any, x: Any) -> Any:
        import torch

        return torch.cat([inner(self, part) for part in x.split(100)])

    return encode


def _same_formula(inner: Any) -> Any:
    """``(x - b) W'`` as ``x W' - b W'``, summed in another order."""

    def pre(self: Any, x: Any) -> Any:
        if self.input_bias is None or self.centred:
            return inner(self, x)
        return x @ self.W_enc.T - self.input_bias @ self.W_enc.T + self.b_enc

    return pre


def coder_method(name: str, around: Callable[[Any], Any]) -> Enact:
    def enact(scene: Any) -> AbstractContextManager[None]:
        from mi.coders.linear_coder import LinearCoder

        return wrapped(LinearCoder, name, around)

    return enact


def _renamed_coders(scene: Any) -> AbstractContextManager[None]:
    """The bundle's folder is called otherwise."""
    import shutil

    from ..scratch import fresh

    bundle = fresh("renamed") / "x y"
    shutil.copytree(scene.bundle, bundle)
    return replaced(scene, "bundle", bundle)


def _small_shards(scene: Any) -> AbstractContextManager[None]:
    """The evaluation rows, harvested anew in shards of 500."""
    return replaced(scene, "data", replace(scene.data, held_out=_harvested_again(scene, shard_rows=500)))


def _other_order(scene: Any) -> AbstractContextManager[None]:
    """The evaluation rows of the same documents, in another order."""
    with _reversed_texts_of(scene.data.texts) as texts:
        return replaced(scene, "data", replace(scene.data, held_out=_harvested_again(scene, texts=texts)))


def _harvested_again(scene: Any, texts: Path | None = None, **options: Any) -> Path:
    from mi.activations.harvest import harvest
    from mi.progress import SILENT

    from ..scenes.subject import LENGTH, SITES
    from ..scratch import fresh

    out = fresh("activations")
    harvest(
        out,
        progress=SILENT,
        texts=texts or scene.data.texts,
        subject=scene.data.spec,
        sites=list(SITES),
        max_length=LENGTH,
        **options,
    )
    return out


def _reversed_texts_of(path: Path) -> Any:
    from contextlib import nullcontext

    from ..scratch import fresh

    out = fresh("texts")
    lines = (path / "documents.jsonl").read_text("utf-8").splitlines(keepends=True)
    (out / "documents.jsonl").write_text("".join(reversed(lines)), "utf-8")
    return nullcontext(out)


def _more_texts(scene: Any) -> AbstractContextManager[None]:
    """Other evaluation documents of the same kinds."""
    from ..scenes.subject import write_texts

    texts, _ = write_texts(500 + scene.seed, 240)
    return replaced(scene, "data", replace(scene.data, held_out=_harvested_again(scene, texts=texts)))


def _training(**more: Any) -> Enact:
    return lambda scene: replaced(scene, "settings", {**scene.settings, **more})


def _other_training_seed(scene: Any) -> AbstractContextManager[None]:
    coders = {name: {**about, "seed": scene.seed + 77} for name, about in scene.settings["coders"].items()}
    return replaced(scene, "settings", {**scene.settings, "coders": coders})


def _fewer_at_once(scene: Any) -> AbstractContextManager[None]:
    """A coder is trained without its neighbours; only it is measured."""
    name = next(iter(scene.bars))
    coders = {n: a for n, a in scene.settings["coders"].items() if n in scene.contrast or n == name}
    return replaced(scene, "settings", {**scene.settings, "coders": dict(reversed(coders.items()))})


def _permuted(s: Any) -> Any:
    """Units in another order, in each arm its own."""
    import numpy as np

    a, b = (np.random.default_rng(k).permutation(len(s.a)) for k in (1, 2))
    return replace(
        s, a=s.a[a], b=s.b[b] if s.b.ndim == 1 else s.b[:, b],
        ids_a=[s.ids_a[k] for k in a], ids_b=[s.ids_b[k] for k in b],
    )  # fmt: skip


def _one_excluded(s: Any) -> Any:
    """One document of sixty could not be scored, in both arms, and is counted as planned."""
    return replace(s, a=s.a[1:], b=s.b[1:], ids_a=s.ids_a[1:], ids_b=s.ids_b[1:], planned=len(s.a))


def _selected_elsewhere(s: Any) -> Any:
    return replace(s, selected_on=[f"validation {k}" for k in range(30)])


def _touched(path: Path) -> None:
    """A backup sets the time of every file."""
    import os

    for file in path.parent.iterdir():
        os.utime(file, (1e9, 1e9))


def _afterwards(change: Callable[[Path], None]) -> Enact:
    from .data import _largest

    return lambda scene: replaced(scene, "after", lambda root: change(_largest(root)))


def _reordered_params(scene: Any) -> AbstractContextManager[None]:
    """Recipes written with their parameters in another order."""
    from runners.recipe import Recipe

    def around(init: Any) -> Any:
        def made(self: Any, build: Any, version: Any, params: Any, *rest: Any, **more: Any) -> None:
            init(self, build, version, dict(reversed(list(params.items()))), *rest, **more)

        return made

    return wrapped(Recipe, "__init__", around)


def _reversed_examples(*names: str) -> Enact:
    """Labelled texts or prompts in reverse order."""

    def enact(scene: Any) -> AbstractContextManager[None]:
        return together(*(replaced(scene, name, reversed_file(getattr(scene, name))) for name in names))

    return enact


def _reversed_prompts(scene: Any) -> AbstractContextManager[None]:
    return replaced(scene, "prompts", {split: reversed_file(path) for split, path in scene.prompts.items()})


def reversed_file(path: Path) -> Path:
    with _reversed_texts_of(path) as out:
        return Path(out)


def _pipeline(scene: Any) -> AbstractContextManager[None]:
    """The probe's columns are scaled by scikit-learn's own scaler."""
    import mi.probing.probes as probes

    def around(fit: Any) -> Any:
        def made(data: Any, *, k: Any = None, columns: Any = None) -> Any:
            from sklearn.linear_model import LogisticRegression
            from sklearn.preprocessing import StandardScaler

            found = fit(data, k=k, columns=columns)
            x = data.x[:, found.columns].astype("float64")
            scaler = StandardScaler().fit(x)
            model = LogisticRegression(C=0.5, max_iter=1000).fit(scaler.transform(x), data.y)
            return replace(found, centre=scaler.mean_, scale=scaler.scale_, model=model)

        return made

    return wrapped(probes, "fit", around)


def _reference_batches(scene: Any) -> AbstractContextManager[None]:
    """Latents' means are added up in batches of 17 texts."""
    import mi.circuits.causal as causal

    def around(reference: Any) -> Any:
        return lambda *given: reference(*given, batch_size=17)

    return wrapped(causal, "reference", around)


def benign(name: str, part: str, what: str, scene: str, enact: Enact) -> Mutant:
    return Mutant(f"ok-{name}", part, what, scene, enact)


MUTANTS = (
    benign("batch-size", "data", "harvest in batches of 5 documents", "subject-neox", setting(options={"batch_size": 5})),
    benign("shard-size", "data", "harvest in shards of 700 rows", "subject-llama", setting(options={"shard_rows": 700})),
    benign("document-order", "data", "documents in reverse order", "subject-gemma2", _reversed_texts),
    benign("left-padding", "tokens", "padding on the left", "subject-neox", setting(padding_side="left")),
    benign("pad-id", "tokens", "padding with another id of the vocabulary", "subject-left", _other_pad_id),
    benign("wider-padding", "tokens", "batches padded further than needed", "subject-gemma2-left", _wider_padding),
    benign("dtype", "loading", "float64 throughout", "subject-llama", _double),
    benign("eager", "loading", "attention computed by the eager implementation", "subject-llama", altered(_eager)),
    benign("moved", "loading", "the model's folder is moved and renamed", "subject-neox", _renamed_folder),
    benign("resaved", "loading", "the model is saved again by the library", "subject-gemma2", _resaved),
    benign("threads", "loading", "two threads instead of one", "subject-llama", _two_threads),
    benign("loss-batches", "metrics", "losses in batches of 7 texts", "organism", setting(batch_size=7)),
    benign("loss-order", "data", "losses of the documents in reverse order", "organism", _reversed_texts),
    benign("coder-batches", "metrics", "reconstruction in batches of 333 rows", "coders", setting(batch_size=333)),
    benign("chunked-encode", "coders", "coders encode a hundred rows at a time", "coders", coder_method("encode", _chunked)),
    benign("equivalent-encode", "coders", "the encoder's sum in another order", "coders", coder_method("pre", _same_formula)),
    benign("bundle-name", "coders", "the bundle's folder is renamed", "coders", _renamed_coders),
    benign("coder-shards", "data", "the evaluation rows in other shards", "coders", _small_shards),
    benign("coder-order", "data", "the evaluation documents in another order", "coders", _other_order),
    benign("other-documents", "data", "other evaluation documents of the same kinds", "coders", _more_texts),
    benign("coder-order-trained", "training", "coders trained in another order", "training-sparsify", _fewer_at_once),
    benign("training-seed", "training", "another seed of the coders' weights", "training-sparsify", _other_training_seed),
    benign("shuffle-seed", "training", "another order of the training rows", "training-saelens", _training(shuffle_seed=11)),
    benign("probe-batches", "probing", "texts pooled in batches of 7", "probing", setting(batch_size=7)),
    benign("probe-order", "probing", "labelled texts in reverse order", "probing-mean", _reversed_examples("train", "test")),
    benign("probe-scaler", "probing", "columns scaled by scikit-learn's scaler", "probing", _pipeline),
    benign("few-seed", "probing", "other draws of the few examples", "control-a", setting(few_seed=40)),
    benign("steering-batches", "steering", "prompts continued in batches of 13", "steered", setting(batch_size=13)),
    benign("prompt-order", "steering", "prompts in reverse order", "steered", _reversed_prompts),
    benign("reference-batches", "circuits", "means added up in batches of 17 texts", "circuits", _reference_batches),
    benign("circuit-texts", "circuits", "the texts of the means in reverse order", "circuits", _reversed_examples("examples")),
    benign("saebench-batches", "benchmarks", "SAEBench runs the model on batches of 50 texts", "saebench", setting(batch_size=50)),
    benign("unit-order", "metrics", "units in another order", "court-paired", study(_permuted)),
    benign("one-excluded", "metrics", "one document of sixty is missing, and counted", "court-paired", study(_one_excluded)),
    benign("selected-elsewhere", "metrics", "settings chosen on validation documents", "court-paired", study(_selected_elsewhere)),
    benign("touched", "data", "a backup changes the times of stored files", "store", _afterwards(_touched)),
    benign("param-order", "data", "recipes with their parameters in another order", "store", _reordered_params),
)  # fmt: skip
