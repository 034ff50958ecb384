"""The sweep: scan, baseline, every arm at every coefficient; chosen on validation prompts, judged on test ones. Builder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from ..metrics.measurable import measurable
from ..probing.labelled import Labelled
from ..progress import Progress
from ..refusal import Refusal
from ..subjects.load import load_subject
from ..unit_table import write_units
from .choice import choose, require_chosen_on
from .condition import BASELINE, Bench
from .directions import Directions
from .generate import Gumbel
from .headroom import scan_prompts
from .judge import Judge, answer_key, lexical
from .power import prompts_needed
from .prompts import Prompts, require_splits
from .record import Record

COEFFICIENTS = (0.25, 0.5, 0.75, 1.0, 2.0)  # microscope found no fluent one above 1
CAP = 1.5
JUDGES = ("key", "lexical")
DIFFERENCE = 0.1  # of success rates, that the number of prompts is reckoned for


def sweep(
    out: Path,
    *,
    progress: Progress,
    directions: Path,
    examples: Path,
    exam: Path,
    validation: Path,
    test: Path,
    subject: dict[str, Any],
    judges: list[str],
    concept: str | None = None,
    arms: list[str] | None = None,
    coefficients: list[float] | None = None,
    cap: float = CAP,
    seed: int = 0,
    max_new_tokens: int = 16,
    batch_size: int = 256,
) -> dict[str, Any]:
    """Steer along every arm at every coefficient; a table with test prompts as units.

    First the unsteered model continues every candidate wording of the validation prompts; the one whose success
    rate lies nearest one half is used, and without headroom nothing is steered (:mod:`.headroom`). Then every arm at
    every coefficient continues the validation prompts, where coefficients are chosen (:mod:`.choice`), and the test
    prompts. Each prompt is continued once per condition, with the same noise in all (:mod:`.generate`).

    ``units.json``: test prompts, columns ``baseline_success``, ``baseline_nats`` and ``<arm>_success``, ``<arm>_nats`` of
    each decided arm at its chosen coefficient, ``<arm>_<judge>`` by further judges, and ``agree``, the share of these
    continuations on which all judges agree. ``sweep/units.json`` and ``sweep/sweep.csv``: one row per split, arm and
    coefficient, with ``success``, ``nats``, ``perplexity``, ``fluent``. ``generations.jsonl``: every continuation.

    Args:
        directions: of :func:`.directions.directions`.
        examples, exam: training and held-out examples of the concept; the lexical judge is fitted on those of the
            first that no direction was fitted on, and examined on the second.
        validation, test: prompts of :func:`.prompts.prompts`, the same wordings in both.
        judges: some of ``key`` and ``lexical``; the first one decides what success is.
        concept: of the world, for ``key``.
        arms: some of the directions; None for all.
        coefficients: positive, in units of the mean norm at the site.
        cap: a coefficient is fluent with a perplexity of at most ``cap`` times the baseline's.
        seed: of the noise.

    Returns:
        facts: ``measurable``, ``candidate``, ``selected_on`` (its validation prompts), ``scan``, ``judges``, ``baseline``, ``arms`` (chosen coefficient and both
        splits' numbers), ``decided_arms``, ``sweep`` (all rows), ``power``.

    Raises:
        Refusal: splits that share a prompt, no judge or an unknown one, a judge that fails its exam, no coefficient or
            one that is not positive.
    """
    chosen_on, tested_on = Prompts(validation), Prompts(test)
    require_splits(chosen_on, tested_on)
    swept = list(COEFFICIENTS) if coefficients is None else coefficients
    if not swept or not all(c > 0 for c in swept) or len(set(swept)) != len(swept):
        raise Refusal(
            f"coefficients {swept}", "positive ones, each once", "Turn the direction around for the other way."
        )
    readers, about_judges = _judges(judges, concept, Labelled(examples), Labelled(exam))
    along = Directions.read(directions)
    names = list(along.arms) if arms is None else arms
    for arm in names:
        along.rows(arm, 0, chosen_on.n + tested_on.n)
    bench = Bench(load_subject(subject), along, readers, Gumbel(seed), max_new_tokens, batch_size)
    with progress("scan of prompts", chosen_on.n * len(chosen_on.candidates), "generations") as bar:
        scanned = {name: bench.run(*prompts, bar) for name, prompts in chosen_on.candidates.items()}
    room = scan_prompts({name: outcome.success[judges[0]] for name, outcome in scanned.items()})
    facts: dict[str, Any] = {
        "subject": subject,
        "concept": concept,
        "candidate": room.chosen,
        "selected_on": list(scanned[room.chosen].ids),
        "scan": room.scan,
        "judges": about_judges,
        "site": along.site,
        "norm": along.norm,
        "directions": dict(along.facts),
        "cap": cap,
        "seed": seed,
        **measurable(room.reasons),
    }
    log = Record(out, judges[0], cap)
    log.add("validation", scanned[room.chosen])
    if room.reasons:
        log.write({**facts, "arms": {}, "decided_arms": f"0 of {len(names)}"})
        first = scanned[room.chosen]
        write_units(out, "prompt", first.ids, {"baseline_success": first.success[judges[0]]}, facts)
        return facts
    splits = {"validation": chosen_on.of(room.chosen), "test": tested_on.of(room.chosen)}
    total = tested_on.n + len(names) * len(swept) * (chosen_on.n + tested_on.n)
    with progress("steered", total, "generations") as bar:
        log.add("test", bench.run(*splits["test"], bar))
        for arm in names:
            for coefficient in swept:
                first_row = 0
                for split, prompts in splits.items():
                    log.add(split, bench.run(*prompts, bar, arm, coefficient, first_row))
                    first_row += len(prompts[0])  # the arms that are drawn give every prompt of both splits its own row
                bar.note(f"{arm} {coefficient:g}: {log.rows[-1]['success']:.2f}")
    arms_found = choose([row for row in log.rows if row["split"] == "validation" and row["arm"] != BASELINE])
    require_chosen_on(arms_found, log.rows)
    for arm, found in arms_found.items():
        if found["decided"]:
            found["test"] = log.row("test", arm, found["coefficient"])
    decided = {arm: found["coefficient"] for arm, found in arms_found.items() if found["decided"]}
    facts |= {
        "baseline": {split: log.row(split, BASELINE, 0.0) for split in splits},
        "arms": arms_found,
        "absent": along.facts["absent"],
        "decided_arms": f"{len(decided)} of {len(names)}",
        "power": _power(log, decided, len(splits["test"][0])),
        "sweep": log.rows,
    }
    log.write(facts)
    write_units(out, "prompt", splits["test"][0], _columns(log, decided, judges), facts)
    return facts


def _judges(
    names: Sequence[str], concept: str | None, examples: Labelled, exam: Labelled
) -> tuple[dict[str, Judge], dict[str, Any]]:
    if not names or not set(names) <= set(JUDGES) or len(set(names)) != len(names):
        raise Refusal(
            f"judges {list(names)}", f"some of {', '.join(JUDGES)}", "Judges read text: see mi.steering.judge."
        )
    made: dict[str, Judge] = {}
    facts: dict[str, Any] = {"success": names[0]}
    for name in names:
        if name == "key":
            made[name], facts[name] = answer_key(str(concept)), {"concept": concept}
        else:
            made[name], facts[name] = lexical(examples, exam)
    return made, facts


def _columns(log: Record, decided: Mapping[str, float], judges: Sequence[str]) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    agree = []
    for arm, coefficient in {BASELINE: 0.0, **decided}.items():
        outcome = log.outcomes["test", arm, coefficient]
        columns[f"{arm}_success"], columns[f"{arm}_nats"] = outcome.success[judges[0]], outcome.nats
        for other in judges[1:]:
            columns[f"{arm}_{other}"] = outcome.success[other]
            agree.append(outcome.success[other] == outcome.success[judges[0]])
    return {**columns, "agree": np.mean(agree, axis=0)} if agree else columns


def _power(log: Record, decided: Mapping[str, float], n: int) -> dict[str, Any]:
    """Prompts that a difference of .1 needs, for every pair of conditions, at the discordance on validation prompts."""
    chosen = {BASELINE: 0.0, **decided}
    outcomes = {arm: log.outcomes["validation", arm, c].success[log.judge] for arm, c in chosen.items()}
    discordance = {f"{a}, {b}": float((outcomes[a] != outcomes[b]).mean()) for a, b in combinations(outcomes, 2)}
    needed = {pair: prompts_needed(share, DIFFERENCE) for pair, share in discordance.items()}
    short = [pair for pair, enough in needed.items() if enough > n]
    warning = f"{n} test prompts; a difference of {DIFFERENCE:g} needs more for {'; '.join(short)}" if short else None
    return {
        **{"difference": DIFFERENCE, "power": 0.8, "alpha": 0.025, "prompts": n},
        **{"discordance": discordance, "needed": needed, "warning": warning},
    }
