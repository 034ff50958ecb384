"""Mutants of what auto-interpretation asks about: latents registered and cached, windows drawn and marked (catalogue H, A6)."""

from __future__ import annotations

from contextlib import AbstractContextManager, contextmanager
from typing import Any

from ..mutant import Enact
from ..patch import replaced, rewritten, wrapped
from .autointerp_code import attribute, both, bug, imported, source


def _with_replacement(silent: Any) -> Any:
    import numpy as np

    def made(pool: Any, size: Any, like: Any, n: int, rng: Any) -> Any:
        return np.asarray(rng.choice(pool, n, replace=True))

    return made


def _of_any_length(silent: Any) -> Any:
    import numpy as np

    def made(pool: Any, size: Any, like: Any, n: int, rng: Any) -> Any:
        return np.asarray(rng.choice(pool, n, replace=False))

    return made


def _all_usable(usable: Any) -> Any:
    """Nobody asks which windows repeat themselves."""

    def made(train: Any, test: Any) -> Any:
        found = usable(train, test)
        return found._replace(train=found.train | True, test=found.test | True)

    return made


def _overlapping(scene: Any) -> AbstractContextManager[None]:
    """Every second held-out text is a training text under another id."""
    import json

    from ..scenes.autointerp import harvested
    from ..scratch import fresh

    ours, theirs = (
        [json.loads(line) for line in (scene.texts[split] / "documents.jsonl").read_text("utf-8").splitlines()]
        for split in ("train", "test")
    )
    mixed = [{**o, "id": t["id"]} if k % 2 else t for k, (o, t) in enumerate(zip(ours, theirs, strict=True))]
    out = fresh("texts")
    (out / "documents.jsonl").write_text("".join(json.dumps(d) + "\n" for d in mixed), "utf-8")
    return replaced(scene, "harvests", {**scene.harvests, "test": harvested(out, scene.spec)})


def _by_place(draw: Any) -> Any:
    """Tenths of the windows in the order of the text, not of their strongest activation."""

    def made(window: Any, offset: Any, activation: Any, *, n_windows: int, n: int, deciles: int, **more: Any) -> Any:
        import numpy as np

        every = np.unique(window)
        drawn = draw(window, offset, activation, n_windows=n_windows, n=len(every) // deciles * deciles, deciles=deciles, **more)  # fmt: skip
        of = {d.window: d for d in drawn}
        parts = np.array_split(np.array(sorted(of)), deciles)
        return [of[w]._replace(decile=k) for k, part in enumerate(parts) for w in part[: n // deciles].tolist()]

    return made


@contextmanager
def _fewer(scene: Any) -> Any:
    """delphi's own division: what is left over is not drawn, and nobody is told."""
    import mi.autointerp.delphi_engine as engine
    import mi.autointerp.examples as examples
    import mi.autointerp.sampler as sampler

    with rewritten(engine, "draw_by_decile", ("if n < 1 or n % deciles or different < n:", "if n < 1:")):
        changed = engine.draw_by_decile
    uneven = rewritten(examples, "examples", ("if n_explain % deciles or n_test % deciles or min", "if min"))
    more = {**scene.sizes, "n_explain": scene.sizes["n_explain"] + 3, "n_test": scene.sizes["n_test"] + 3}
    with uneven, replaced(sampler, "draw_by_decile", changed), replaced(scene, "sizes", more):
        yield


def _three_quarters(marks: Any) -> Any:
    """The token at three quarters is always among what is highlighted."""

    def made(size: int, marked: Any, rng: Any) -> tuple[int, ...]:
        found = set(marks(size, marked, rng))
        return tuple(sorted({3 * size // 4} | set(sorted(found)[1:])))

    return made


def _marked_again(marks: Any) -> Any:
    """The same token may be drawn again, so that fewer are highlighted than was said."""

    def made(size: int, marked: Any, rng: Any) -> tuple[int, ...]:
        n = len(marks(size, marked, rng))
        return tuple(sorted({int(i) for i in rng.choice(min(size, max(1, n)), n, replace=True)}))

    return made


def _letters(highlighted: Any) -> Any:
    """One string for all ids: marks count letters."""

    def made(example: Any) -> Any:
        from mi.autointerp.delphi_engine import load

        marked = frozenset(example.marks)
        return load("delphi.scorers.classifier.sample")._highlight(list(example.text), marked.__contains__)

    return made


def _half(scene: Any) -> AbstractContextManager[None]:
    """Activations are kept as delphi keeps them, in float16."""
    return source("cache", "Found.add", ("z[row, latent].float()", "z[row, latent].half().float()"))(scene)


@contextmanager
def _bos_filtered(scene: Any) -> Any:
    """delphi's filter_bos: BOS is deleted before the model runs."""
    from ..guards import lifted
    from ..scenes.autointerp import harvested
    from .tokens import _without_bos, each_row

    with each_row(_without_bos)(scene), lifted("mi.subjects.tokens:Vocabulary.check"):
        without = {split: harvested(path, scene.spec) for split, path in scene.texts.items()}
    with replaced(scene, "harvests", without):
        yield


def _whole_block(scene: Any) -> AbstractContextManager[None]:
    """The transcoder reads the stream in front of the block and writes the one behind it."""
    return replaced(scene, "coders", scene.block)


def _first_ones(scene: Any) -> AbstractContextManager[None]:
    """max_latents: the first latents are scored, not those that were drawn."""
    from ..scenes import autointerp

    return replaced(autointerp, "draw", lambda n_latents, n: list(range(n)))


def _everything_cached(scene: Any) -> AbstractContextManager[None]:
    """All latents are in the cache."""
    from ..scenes.autointerp import AutoInterpScene

    return wrapped(AutoInterpScene, "cached", lambda cached: lambda self, coder, split, drawn: cached(self, coder, split, None))  # fmt: skip


NONE_LOST = [
    ('"drawn": sorted(drawn)', '"drawn": sorted(set(drawn) - set(map(int, lost)))'),
    ('"lost": lost', '"lost": {}'),
]
FIRST = [
    ("for latent in sorted(drawn):", "for latent in range(len(drawn)):"),
    ('"drawn": sorted(drawn)', '"drawn": list(range(len(drawn)))'),
    ("for i in sorted(drawn)}", "for i in range(len(drawn))}"),
]
HELD_OUT = ("ours.rate(i) for i in sorted(drawn)", "theirs.rate(i) for i in sorted(drawn)")


def drawing(*changes: tuple[str, str]) -> Enact:
    """The drawing of one latent's windows says something else."""
    return source("sampler", "Sampler.draw", *changes)


def sampling(*changes: tuple[str, str]) -> Enact:
    """The builder of examples says something else."""
    return source("examples", "examples", *changes)


MUTANTS = (
    bug("C17b", "latents are cached on a run without BOS", _bos_filtered, ("K07",), "delphi filter_bos, A6-16"),
    bug("H10d", "latents with too few windows vanish", sampling(*NONE_LOST), ("K28", "K20"), "microscope A6-18, delphi"),
    bug("H10b", "latents with too few windows count as dead", sampling(("lost[str(latent)] = reason", "dead.append(latent)")), ("K28",), "microscope A6-18"),
    bug("G08b", "dead latents count as lost", sampling(('if not ours.counts["tokens"][latent]:', "if False:")), ("K28",)),
    bug("G16c", "the first latents are scored instead of the registered ones", _first_ones, ("K20",), "microscope A6-02, delphi max_latents"),
    bug("G16d", "the first latents are scored under the digest of the registered ones", both(_everything_cached, sampling(*FIRST)), ("K20",), "microscope A6-02"),
    bug("H26", "silent windows are drawn with replacement", attribute("sampler", "silent_windows", _with_replacement), ("K21",), "delphi 0.1.3"),
    bug("H26b", "silent windows are of another length", attribute("sampler", "silent_windows", _of_any_length), ("K15", "K19"), "delphi 0.1.3"),
    bug("H26c", "training texts are among the held-out ones, under other ids, and are scored", both(_overlapping, attribute("examples", "usable", _all_usable)), ("K13", "K21"), "auto-circuit a50da28"),
    bug("H26j", "texts that are there twice are scored twice", attribute("examples", "usable", _all_usable), ("K21",)),
    bug("H26d", "explanations are made from held-out texts", drawing(("self._activating(train, train.firings(latent), n.explain, rng)", "self._activating(test, test.firings(latent), n.explain, rng)"), ("self._example(train, d) for d in explain", "self._example(test, d) for d in explain")), ("K13",)),
    bug("H26e", "activating windows are asked about first", drawing(("order = np.random.default_rng([seed, latent, MIXED, repeat]).permutation(len(both))", "order = range(len(both))")), ("K19", "K21")),
    bug("H26f", "deciles are tenths of the text", attribute("sampler", "draw_by_decile", _by_place), ("K24", "K20")),
    bug("H26g", "fewer windows than asked for, where they are no multiple of the deciles", _fewer, ("K21", "K28"), "delphi 0.1.3"),
    bug("H26i", "scored again on the same windows", drawing(("for turn in range(repeat + 1):", "for turn in range(1):")), ("K18", "K21")),
    bug("H04", "fewer tokens are highlighted than was said", attribute("sampler", "false_marks", _marked_again), ("K21",), "delphi#153"),
    bug("H28", "the token at three quarters of a silent window is always highlighted", attribute("sampler", "false_marks", _three_quarters), ("K19", "K21"), "delphi 0.1.3"),
    bug("H28b", "padding is shown, and may be highlighted", source("sampler", "Sampler._example", ("activations = drawn.activations[: windows.size[w]]", "activations = drawn.activations"), ("self.strings.of(windows.ids(w))", "self.strings.of(windows.tokens[w].tolist())")), ("K05", "K07"), "delphi 0.1.3"),
    bug("H28c", "every token that fires is highlighted, however little", imported("sampler", "marks", "true_marks", ("a >= least", "a > 0 * least")), ("K20", "K24")),
    bug("H28d", "letters are highlighted instead of tokens", attribute("delphi_engine", "highlighted", _letters), ("K20",), "delphi on transformers 5"),
    bug("H30", "activations are kept in float16", _half, ("K30",), "delphi 0.1.3"),
    bug("H30b", "cached latents are numbered one on", source("cache", "Found.add", ("row, latent = row.cpu(), latent.cpu()", "row, latent = row.cpu(), (latent.cpu() + 1) % self.n_latents")), ("K16",)),
    bug("H30c", "cached latents stand one token too late", source("cache", "Found.add", ("self.window[self.at + row], self.offset[self.at + row]", "self.window[(self.at + row - 1).clamp(min=0)], self.offset[(self.at + row - 1).clamp(min=0)]")), ("K16",)),
    bug("H30d", "the other coder's latents are cached under the name", source("cache", "cache", ("thing = load_coder(coders / coder,", "thing = load_coder(next(p for p in sorted(coders.iterdir()) if p.name != coder),")), ("K20",)),
    bug("H30e", "firing rates are those of the held-out texts", both(drawing(("train.cached.rate(latent)", "test.cached.rate(latent)")), sampling(HELD_OUT)), ("K13", "K15")),
    bug("H32c", "the transcoder is one of the whole block", _whole_block, ("K15", "K20"), "microscope A6-03"),
)  # fmt: skip
