"""Mutants of what auto-interpretation makes of answers: asked, read, counted, compared (catalogue H, G08, A6)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

from ..mutant import Enact
from ..patch import replaced, rewritten, together, wrapped
from .autointerp_code import attribute, both, bug, source


def values(change: Callable[[list[Any]], list[Any]]) -> Enact:
    """Change what is read off one answer, question by question."""

    def around(parse: Any) -> Any:
        def made(text: str, n: int, **more: Any) -> Any:
            read = parse(text, n, **more)
            return replace(read, values=tuple(change(list(read.values))))

        return made

    return attribute("language_model", "parse", around)


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
    import mi.autointerp.language_model as language_model

    def around(parse: Any) -> Any:
        def made(text: str, **more: Any) -> Any:
            read = parse(text, **more)
            return read if read.text else replace(read, text="Explanation could not be parsed.", why=None)

        return made

    return together(replaced(scene, "mumbles", True), wrapped(language_model, "parse_explanation", around))


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


def asking(*changes: tuple[str, str]) -> Enact:
    """What is made of the answers says something else."""
    return source("interpret", "_ask", *changes)


def table(*changes: tuple[str, str]) -> Enact:
    """What is said of the whole says something else."""
    return source("interpret", "_facts", *changes)


MUTANTS = (
    bug("H02", "the number of failed answers is reported as 0", table((MISSING, '"missing": dict.fromkeys(counted, 0)'), (RATE, '"parse_rate": dict.fromkeys(counted, 1.0)')), ("K14",), "delphi result_analysis, A6-17"),
    bug("H02b", "every latent's answers count as read", source("interpret", "_columns", ("told.parse_rate", "1.0")), ("K14",), "delphi result_analysis, A6-17"),
    bug("H40", "nulls are dropped from a list of answers, and the rest moves up", values(_closed_up), ("K14",), "microscope A6-01"),
    bug("H40b", "nulls are dropped from all of a latent's answers, which are zipped to its windows", attribute("interpret", "account", _zipped_short), ("K14",), "microscope A6-01"),
    bug("H14", "null becomes no", values(lambda found: [v or 0 for v in found]), ("K14",), "delphi 0.1.3"),
    bug("H14b", "a missing answer is read as no where answers are counted", attribute("interpret", "account", lambda account: lambda truth, answers: account(truth, [a or 0 for a in answers])), ("K14", "K24"), "practice"),
    bug("H16", "the last question, with fewer windows, is never read", attribute("language_model", "parse", _rest_unread), ("K14",), "delphi 0.1.3"),
    bug("H18", "answers are matched one place on", asking((VALUES, VALUES + "; values = values[1:] + values[:1]")), ("K14", "K16", "K22")),
    bug("H18b", "answers come in the order in which they were completed", _as_completed, ("K06", "K14"), "lm-eval#2595"),
    bug("H18c", "a repeated request leaves its answer twice, and those behind it move on", _appended_twice, ("K14", "K16")),
    bug("H18d", "explanations are handed out one latent on", attribute("interpret", "explain_all", _next_ones), ("K14", "K16", "K22")),
    bug("H20", "answers are kept under keys without the explanation", _without("explanation"), ("K26", "K19")),
    bug("H20b", "answers are kept under keys without the kind of question", _without("kind"), ("K26",)),
    bug("H22", "an explanation that could not be parsed is scored as if it were one", _placeholder, ("K14", "K21"), "delphi 0.1.3"),
    bug("H08", "a latent with windows of one class scores 0", both(attribute("interpret", "read_latents", _only_activating), attribute("accounting", "_balanced", lambda _: _zero_for_one_class)), ("K28",), "neuronpedia a5120c12"),
    bug("H10c", "coverage is that of the scored latents", table(('len(index["scored"]) / len(index["drawn"])', '1.0')), ("K28",), "microscope A6-18"),
    bug("G08", "dead latents are sampled, and score at chance", attribute("interpret", "_columns", _dead_at_chance), ("K28",), "SAEBench 63c2561"),
    bug("H24", "the shuffled control leaves every third latent its own explanation", _partly_shuffled, ("K19", "K21")),
    bug("H24b", "the random control takes tokens from where the latent fires", _peeking, ("K19",)),
    bug("H24c", "latents are explained from the windows that they are scored on", source("chat_settings", "ChatSettings.messages", ("explainer_prompt(thing.explain)", "explainer_prompt([e for e in thing.test if e.activating])")), ("K13",), "practice"),
    bug("H32", "latents of two coders are paired by their numbers", _by_number, ("K15",), "microscope A6-02"),
    bug("H32b", "latents of two coders are paired by their scores", _by_score, ("K15",)),
    bug("H32d", "each coder's name is given the other one's scores", _arms_swapped, ("K20",), "AxBench a57d715"),
)  # fmt: skip
