"""Mutants of auto-interpretation: latents cached, windows drawn, questions asked, answers counted (catalogue H, G08, A6)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from importlib import import_module
from typing import Any

from ..mutant import Enact, Mutant
from ..patch import replaced, rewritten, together, wrapped

SCENE = "autointerp"


def source(module: str, name: str, *changes: tuple[str, str]) -> Enact:
    """Some of the source of a function, or of a class's method, says something else."""

    def enact(scene: Any) -> AbstractContextManager[None]:
        owner: Any = import_module(f"mi.autointerp.{module}")
        *owners, last = name.split(".")
        for step in owners:
            owner = getattr(owner, step)
        return rewritten(owner, last, *changes)

    return enact


def imported(user: str, home: str, name: str, *changes: tuple[str, str]) -> Enact:
    """The same for a function that another module has imported."""

    def enact(scene: Any) -> AbstractContextManager[None]:
        owner = import_module(f"mi.autointerp.{home}")
        with rewritten(owner, name, *changes):
            changed = getattr(owner, name)
        return replaced(import_module(f"mi.autointerp.{user}"), name, changed)

    return enact


def attribute(module: str, name: str, around: Callable[[Any], Any]) -> Enact:
    """A function, or a method, is wrapped."""

    def enact(scene: Any) -> AbstractContextManager[None]:
        owner: Any = import_module(f"mi.autointerp.{module}")
        *owners, last = name.split(".")
        for step in owners:
            owner = getattr(owner, step)
        return wrapped(owner, last, around)

    return enact


def both(*enacts: Enact) -> Enact:
    """Several changes that make one bug."""
    return lambda scene: together(*(enact(scene) for enact in enacts))


def values(change: Callable[[list[Any]], list[Any]]) -> Enact:
    """Change what is read off one answer, question by question."""

    def around(parse: Any) -> Any:
        def made(text: str, n: int, **more: Any) -> Any:
            read = parse(text, n, **more)
            return replace(read, values=tuple(change(list(read.values))))

        return made

    return attribute("chat", "parse", around)


def _closed_up(found: list[Any]) -> list[Any]:
    """Nulls are not matched by the pattern, and the rest moves up."""
    kept = [v for v in found if v is not None]
    return kept + [None] * (len(found) - len(kept))


def _zipped_short(account: Any) -> Any:
    """Two lists of unequal length, zipped from the front."""

    def made(activating: Any, answers: Any) -> Any:
        kept = [a for a in answers if a is not None]
        return account(list(activating)[: len(kept)], kept) if kept else account(activating, answers)

    return made


def _rest_unread(parse: Any) -> Any:
    """Every list is expected to be as long as that of a whole question."""
    return lambda text, n, **more: parse(text, 5, **more) if n == 5 else replace(parse("", n), raw=text)


def _as_completed(scene: Any) -> AbstractContextManager[None]:
    """Answers are collected as they come in."""
    import mi.autointerp.asking as asking

    def around(every: Any) -> Any:
        async def made(scorer: Any, things: Any, one: Any, journal: Any, bar: Any) -> Any:
            found = await every(scorer, things, one, journal, bar)
            place = {id(record): n for n, record in enumerate(journal)}
            if not all("values" in record for record in found):
                return found
            return _of_equal_length(sorted(found, key=lambda record: place[id(record)]), found)

        return made

    return wrapped(asking, "_all", around)


def _appended_twice(scene: Any) -> AbstractContextManager[None]:
    """An answer that needed a second try is in the list twice; those behind it move on."""
    import mi.autointerp.asking as asking

    def around(every: Any) -> Any:
        async def made(scorer: Any, things: Any, *rest: Any) -> Any:
            found = await every(scorer, things, *rest)
            longer = [r for record in found for r in [record] * max(1, (record.get("cost") or {}).get("tries", 1))]
            same = all("values" in record for record in found)
            return _of_equal_length(longer, found) if same else found

        return made

    return wrapped(asking, "_all", around)


def _of_equal_length(longer: list[Any], found: list[Any]) -> list[Any]:
    """Answers to shorter questions stay where they are, so that nothing is of the wrong length."""
    full = max(len(record["values"]) for record in found)
    queue = iter([record for record in longer if len(record["values"]) == full])
    return [next(queue) if len(record["values"]) == full else record for record in found]


def _next_ones(explain_all: Any) -> Any:
    """Explanations are handed out one place on."""

    def made(*given: Any) -> Any:
        said = explain_all(*given)
        return said[1:] + said[:1]

    return made


def _without(*parts: str) -> Enact:
    """Some parts of a question are not part of the key that its answer is kept under."""

    def around(key: Any) -> Any:
        def made(scorer: Any, thing: Any, seen: Any) -> Any:
            if not hasattr(thing, "explanation"):
                return key(scorer, thing, seen)
            less = {"explanation": "", "kind": "detection"}
            thing = replace(thing, **{part: less[part] for part in parts})
            return key(scorer, thing, ["detection" if "kind" in parts else seen[0], thing.explanation, seen[2]])

        return made

    return attribute("asking", "_key", around)


def _placeholder(scene: Any) -> AbstractContextManager[None]:
    """The model forgets the marker one time in four, and delphi's apology is taken for an explanation."""
    import mi.autointerp.chat as chat

    def around(parse: Any) -> Any:
        def made(text: str, **more: Any) -> Any:
            read = parse(text, **more)
            return read if read.text else replace(read, text="Explanation could not be parsed.", why=None)

        return made

    return together(replaced(scene, "mumbles", True), wrapped(chat, "parse_explanation", around))


def _only_activating(read_latents: Any) -> Any:
    """Of some latents there are no windows in which they are silent."""

    def made(folder: Any) -> Any:
        for n in read_latents(folder):
            yield replace(n, test=tuple(e for e in n.test if e.activating)) if n.latent % 8 == 3 else n

    return made


def _zero_for_one_class(right: Any, out_of: Any) -> float:
    shares = [right[truth] / n if n else 0.0 for truth, n in out_of.items()]
    return sum(shares) / 2 if all(out_of.values()) else 0.0


def _dead_at_chance(columns: Any) -> Any:
    """Latents that never fire are sampled like all others: nobody can tell, and they score at chance."""

    def made(found: Any, index: Any) -> Any:
        table = columns(found, index)
        for row, dead in enumerate(table["dead"]):
            for name in table if dead else ():
                if name.startswith(("detection", "fuzzing")):
                    table[name][row] = 1.0 if name.endswith("parse_rate") else 0.5
            table["dead"][row] = 0.0
        return table

    return made


def _partly_shuffled(scene: Any) -> AbstractContextManager[None]:
    """A permutation is not a derangement: every third latent keeps its own explanation."""
    import mi.autointerp.interpret as interpret

    def made(explanations: Any, seed: int) -> dict[int, str]:
        order = sorted(explanations)
        moved = [latent for k, latent in enumerate(order) if k % 3]
        other = dict(zip(moved, moved[1:] + moved[:1], strict=True))
        return {latent: explanations[other.get(latent, latent)] for latent in order}

    return replaced(interpret, "shuffled", made)


def _peeking(scene: Any) -> AbstractContextManager[None]:
    """Random tokens come from where the latent fires."""
    import numpy as np

    import mi.autointerp.interpret as interpret
    from mi.autointerp.lexical import naming

    def made(latents: Any, explanations: Any, seed: int) -> dict[int, str]:
        found = {}
        for n in latents:
            fired = sorted({t for e in n.explain for t, a in zip(e.tokens, e.activations, strict=True) if a > 0})
            rng = np.random.default_rng([seed, n.latent])
            found[n.latent] = naming([str(t) for t in rng.choice(fired, min(3, len(fired)), replace=False)])
        return {latent: text for latent, text in found.items() if latent in explanations}

    return replaced(interpret, "random_tokens", made)


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


def _arms_swapped(scene: Any) -> AbstractContextManager[None]:
    """Each coder's name is given the other one's scores."""
    from ..scenes.autointerp import CODERS, _Home

    other = dict(zip(CODERS, reversed(CODERS), strict=True))

    def around(interpret: Any) -> Any:
        return lambda self, coder, scorer, *rest: interpret(self, other[coder] if scorer == "reader" else coder, scorer, *rest)  # fmt: skip

    return wrapped(_Home, "interpret", around)


def _by_number(scene: Any) -> AbstractContextManager[None]:
    """Latents of two coders are paired by their places in two lists."""
    import fixtures.autointerp as fixtures

    return replaced(fixtures, "match_rates", lambda a, b, caliper: list(zip(sorted(a), sorted(b), strict=False)))


def _by_score(scene: Any) -> AbstractContextManager[None]:
    """Latents of two coders are paired by what they score."""
    import fixtures.autointerp as fixtures

    change = ("pairs = match_rates(*rates, CALIPER)", BY_SCORE)
    return rewritten(fixtures.AutoInterp, "matched", change)


BY_SCORE = (
    "pairs = match_rates(*({u: 1 + v for u, v in values_of(arm, set(arm.units)).items()} for arm in arms), CALIPER)"
)
VALUES = "values = tuple(v for a in mine for v in a.values)"
MISSING = '"missing": {name: missing for name, (_, missing) in counted.items()}'
RATE = '"parse_rate": {name: 1 - missing / n if n else None for name, (n, missing) in counted.items()}'
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


def asking(*changes: tuple[str, str]) -> Enact:
    """What is made of the answers says something else."""
    return source("interpret", "_ask", *changes)


def table(*changes: tuple[str, str]) -> Enact:
    """What is said of the whole says something else."""
    return source("interpret", "_facts", *changes)


def sampling(*changes: tuple[str, str]) -> Enact:
    """The builder of examples says something else."""
    return source("examples", "examples", *changes)


def bug(id: str, what: str, enact: Enact, meant: tuple[str, ...], source: str = "practice") -> Mutant:
    return Mutant(id, "autointerp", what, SCENE, enact, meant, source)


MUTANTS = (
    bug("C17b", "latents are cached on a run without BOS", _bos_filtered, ("K07",), "delphi filter_bos, A6-16"),
    bug("H02", "the number of failed answers is reported as 0", table((MISSING, '"missing": dict.fromkeys(counted, 0)'), (RATE, '"parse_rate": dict.fromkeys(counted, 1.0)')), ("K14",), "delphi result_analysis, A6-17"),
    bug("H02b", "every latent's answers count as read", source("interpret", "_columns", ("told.parse_rate", "1.0")), ("K14",), "delphi result_analysis, A6-17"),
    bug("H40", "nulls are dropped from a list of answers, and the rest moves up", values(_closed_up), ("K14",), "microscope A6-01"),
    bug("H40b", "nulls are dropped from all of a latent's answers, which are zipped to its windows", attribute("interpret", "account", _zipped_short), ("K14",), "microscope A6-01"),
    bug("H14", "null becomes no", values(lambda found: [v or 0 for v in found]), ("K14",), "delphi 0.1.3"),
    bug("H14b", "a missing answer is read as no where answers are counted", attribute("interpret", "account", lambda account: lambda truth, answers: account(truth, [a or 0 for a in answers])), ("K14", "K24"), "practice"),
    bug("H16", "the last question, with fewer windows, is never read", attribute("chat", "parse", _rest_unread), ("K14",), "delphi 0.1.3"),
    bug("H18", "answers are matched one place on", asking((VALUES, VALUES + "; values = values[1:] + values[:1]")), ("K14", "K16", "K22")),
    bug("H18b", "answers come in the order in which they were completed", _as_completed, ("K06", "K14"), "lm-eval#2595"),
    bug("H18c", "a repeated request leaves its answer twice, and those behind it move on", _appended_twice, ("K14", "K16")),
    bug("H18d", "explanations are handed out one latent on", attribute("interpret", "explain_all", _next_ones), ("K14", "K16", "K22")),
    bug("H20", "answers are kept under keys without the explanation", _without("explanation"), ("K26", "K19")),
    bug("H20b", "answers are kept under keys without the kind of question", _without("kind"), ("K26",)),
    bug("H22", "an explanation that could not be parsed is scored as if it were one", _placeholder, ("K14", "K21"), "delphi 0.1.3"),
    bug("H08", "a latent with windows of one class scores 0", both(attribute("interpret", "read_latents", _only_activating), attribute("accounting", "_balanced", lambda _: _zero_for_one_class)), ("K28",), "neuronpedia a5120c12"),
    bug("H10d", "latents with too few windows vanish", sampling(*NONE_LOST), ("K28", "K20"), "microscope A6-18, delphi"),
    bug("H10b", "latents with too few windows count as dead", sampling(("lost[str(latent)] = reason", "dead.append(latent)")), ("K28",), "microscope A6-18"),
    bug("H10c", "coverage is that of the scored latents", table(('len(index["scored"]) / live if live', '1.0 if live')), ("K28",), "microscope A6-18"),
    bug("G08", "dead latents are sampled, and score at chance", attribute("interpret", "_columns", _dead_at_chance), ("K28",), "SAEBench 63c2561"),
    bug("G08b", "dead latents count as lost", sampling(('if not ours.counts["tokens"][latent]:', "if False:")), ("K28",)),
    bug("G16c", "the first latents are scored instead of the registered ones", _first_ones, ("K20",), "microscope A6-02, delphi max_latents"),
    bug("G16d", "the first latents are scored under the digest of the registered ones", both(_everything_cached, sampling(*FIRST)), ("K20",), "microscope A6-02"),
    bug("H24", "the shuffled control leaves every third latent its own explanation", _partly_shuffled, ("K19", "K21")),
    bug("H24b", "the random control takes tokens from where the latent fires", _peeking, ("K19",)),
    bug("H24c", "latents are explained from the windows that they are scored on", source("chat_settings", "ChatSettings.messages", ("explainer_prompt(thing.explain)", "explainer_prompt([e for e in thing.test if e.activating])")), ("K13",), "practice"),
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
    bug("H32", "latents of two coders are paired by their numbers", _by_number, ("K15",), "microscope A6-02"),
    bug("H32b", "latents of two coders are paired by their scores", _by_score, ("K15",)),
    bug("H32c", "the transcoder is one of the whole block", _whole_block, ("K15", "K20"), "microscope A6-03"),
    bug("H32d", "each coder's name is given the other one's scores", _arms_swapped, ("K20",), "AxBench a57d715"),
)  # fmt: skip
