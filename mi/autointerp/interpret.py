"""Interpret: a scorer explains latents, and answers questions about them with true and with wrong explanations. Builder."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import nan
from pathlib import Path
from typing import Any

from ..progress import Progress
from ..refusal import Refusal
from ..unit_table import write_units
from .accounting import Account, account
from .asking import ask_all, costs, explain_all
from .cards import write_cards
from .controls import ARMS, TRUE, random_tokens, shuffled
from .endpoints import open_scorer
from .fair import require_fair
from .journal import Journal
from .latent_examples import LatentExamples, read_index, read_latents
from .scorer import KINDS, Answers, Explanation, Question
from .second_look import require_answers

ANSWERS, JOURNAL = "answers.jsonl", "journal.jsonl"


@dataclass(frozen=True)
class Asked:
    """One latent's examples in their order, with one answer each: of one kind, with one explanation."""

    latent: LatentExamples
    kind: str
    arm: str
    explanation: str
    values: tuple[int | None, ...]
    why: tuple[str, ...] = ()

    @property
    def account(self) -> Account:
        """What the answers come to."""
        return account([e.activating for e in self.latent.test], self.values)


def interpret(
    out: Path,
    *,
    progress: Progress,
    examples: Path,
    scorer: dict[str, Any],
    explained: Path | None = None,
    n_shown: int = 5,
    seed: int = 0,
) -> dict[str, Any]:
    """Explain the latents of an ``examples`` artifact and score the explanations; a table with latents as units.

    Every test window is asked about by detection and by fuzzing (Paulo et al. 2024), with the latent's explanation,
    with that of another latent (``shuffled``) and with random tokens (``random``), ``n_shown`` windows at a time.

    Columns, for ``kind`` of detection and fuzzing: ``<kind>`` (balanced accuracy of the answers that could be read),
    ``<kind>_nulls_wrong`` (missing answers counted as wrong), ``<kind>_parse_rate``; the same with ``_shuffled`` and
    ``_random`` after the kind. Also ``rate``, ``dead`` (never fired on the training texts), ``scored``. There is a row
    per registered latent, with NaN where it was not scored.

    Also written: ``answers.jsonl``, every answer, ``cards/``, and ``journal.jsonl``, out of which an interrupted build
    goes on without asking twice.

    Args:
        examples: artifact of ``mi.autointerp.examples:examples``.
        scorer: who is asked: ``{"kind": "lexical"}``, ``{"kind": "chat", "model": ...}``.
        explained: another finished build of this kind, whose explanations are scored instead of new ones.
        n_shown: windows per question.
        seed: of the two wrong explanations.

    Raises:
        Refusal: no latents to score, or a scorer that cannot be reached (then all answers so far are kept).
    """
    index, latents = read_index(examples), list(read_latents(examples))
    if not latents or n_shown < 1:
        raise Refusal(f"{len(latents)} latents, n_shown={n_shown}", "at least one of each", "Register live latents.")
    require_fair(latents, index["settings"])  # before anything is asked, and paid
    try:
        return _interpreted(out, progress, examples, index, latents, scorer, explained, n_shown, seed)
    except Exception as error:
        # Whatever went wrong, answers were paid for: the journal is kept, and the next try asks for the rest.
        if scorer.get("kind") == "chat":
            error.keeps_work = True  # type: ignore[attr-defined]
        raise


interpret.resumable = True  # type: ignore[attr-defined]


def _interpreted(
    out: Path,
    progress: Progress,
    examples: Path,
    index: dict[str, Any],
    latents: Sequence[LatentExamples],
    scorer: dict[str, Any],
    explained: Path | None,
    n_shown: int,
    seed: int,
) -> dict[str, Any]:
    for leftover in out.iterdir():  # an interrupted build may have come as far as its cards
        if leftover.name != JOURNAL:
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
    with Journal(out / JOURNAL) as journal, open_scorer(scorer, progress) as asked:
        explanations = _explanations(explained, latents, asked, journal, progress)
        texts = {latent: found.text for latent, found in explanations.items() if found.text}
        wrong = (texts, shuffled(texts, seed), random_tokens(latents, texts, seed))
        arms = dict(zip(ARMS, wrong, strict=True))
        found = list(_ask(latents, arms, asked, journal, n_shown, progress))
        spent = costs(journal)
    if scorer["kind"] == "lexical":
        (out / JOURNAL).unlink()  # it answers for nothing, and the answers are kept below
    else:  # answers come in any order; what is kept should not depend on it
        (out / JOURNAL).write_text("".join(sorted((out / JOURNAL).read_text("utf-8").splitlines(True))), "utf-8")
    _write_answers(out / ANSWERS, found)
    facts = {**_facts(found, index, explanations), "scorer": scorer, "spent": spent}
    columns = _columns(found, index)
    names = [f"{index['coder']['name']} {latent}" for latent in index["drawn"]]
    require_answers(out / ANSWERS, examples, index["drawn"], columns, facts)
    write_units(out, "latent", names, columns, facts)
    write_cards(out, latents, _about(found, index, explanations, scorer))
    return {key: facts[key] for key in ("coder", "scored", "registered", "dead", "parse_rate")}


def _explanations(
    explained: Path | None,
    latents: Sequence[LatentExamples],
    scorer: Any,
    journal: Journal,
    progress: Progress,
) -> dict[int, Explanation]:
    if explained is None:
        with progress(f"explain with {scorer.name}", len(latents), "latents") as bar:
            said = explain_all(scorer, _blind(latents), journal, bar)
        return {latent.latent: e for latent, e in zip(latents, said, strict=True)}
    kept = {line["latent"]: line["explanations"].get(TRUE, "") for line in _lines(explained / ANSWERS)}
    missing = [latent.latent for latent in latents if latent.latent not in kept]
    if missing:
        raise Refusal(
            f"explanations without latent {missing[0]}", "one of every latent", "Score latents that were explained."
        )
    why = "had no explanation that could be read"
    return {n.latent: Explanation(kept[n.latent], why=None if kept[n.latent] else why) for n in latents}


def _blind(latents: Sequence[LatentExamples]) -> list[LatentExamples]:
    """Without the windows that their explanations will be scored on."""
    return [replace(latent, test=()) for latent in latents]


def _ask(
    latents: Sequence[LatentExamples],
    arms: Mapping[str, Mapping[int, str]],
    scorer: Any,
    journal: Journal,
    n_shown: int,
    progress: Progress,
) -> Iterator[Asked]:
    plan = [(n, kind, arm) for n in latents for kind in KINDS for arm in ARMS if n.latent in arms[arm]]
    questions = [
        Question(n.latent, kind, arms[arm][n.latent], n.test[i : i + n_shown])
        for n, kind, arm in plan
        for i in range(0, len(n.test), n_shown)
    ]
    with progress(f"ask {scorer.name}", sum(len(q.examples) for q in questions), "answers") as bar:
        answers = iter(ask_all(scorer, questions, journal, bar))
    for latent, kind, arm in plan:
        mine: list[Answers] = [next(answers) for _ in range(0, len(latent.test), n_shown)]
        values = tuple(v for a in mine for v in a.values)
        yield Asked(latent, kind, arm, arms[arm][latent.latent], values, tuple(a.why for a in mine if a.why))
    for latent in latents:  # without an explanation there is nothing to ask, and every answer is missing
        if latent.latent not in arms[TRUE]:
            for kind in KINDS:
                yield Asked(latent, kind, TRUE, "", (None,) * len(latent.test), ("no explanation",))


def _columns(found: Sequence[Asked], index: Mapping[str, Any]) -> dict[str, list[float]]:
    drawn: list[int] = index["drawn"]
    place = {latent: i for i, latent in enumerate(drawn)}
    names = [column(kind, arm) for kind in KINDS for arm in ARMS]
    columns = {f"{name}{what}": [nan] * len(drawn) for name in names for what in ("", "_nulls_wrong", "_parse_rate")}
    for asked in found:
        name, row, told = column(asked.kind, asked.arm), place[asked.latent.latent], asked.account
        columns[name][row] = told.score
        columns[f"{name}_nulls_wrong"][row] = told.nulls_wrong
        columns[f"{name}_parse_rate"][row] = told.parse_rate
    dead, scored = set(index["dead"]), {a.latent.latent for a in found}
    columns["rate"] = [float(index["rates"][str(latent)]) for latent in drawn]
    columns["dead"] = [float(latent in dead) for latent in drawn]
    columns["scored"] = [float(latent in scored) for latent in drawn]
    return columns


def column(kind: str, arm: str = TRUE) -> str:
    """The name of a column of scores."""
    return kind if arm == TRUE else f"{kind}_{arm}"


def _facts(found: Sequence[Asked], index: Mapping[str, Any], explanations: Mapping[int, Explanation]) -> dict[str, Any]:
    asked = {(kind, arm): [a for a in found if (a.kind, a.arm) == (kind, arm)] for kind in KINDS for arm in ARMS}
    counted = {
        column(*key): (sum(a.account.n for a in of), sum(a.account.missing for a in of)) for key, of in asked.items()
    }
    return {
        "coder": index["coder"]["name"],
        "site": index["coder"]["site_out"],
        "n_latents": index["n_latents"],
        "registered": len(index["drawn"]),
        "digest": index["digest"],
        "dead": len(index["dead"]),
        "lost": index["lost"],
        "scored": len(index["scored"]),
        "coverage": len(index["scored"]) / len(index["drawn"]),
        "unexplained": {str(latent): e.why for latent, e in explanations.items() if not e.text},
        "examples": {name: n for name, (n, _) in counted.items()},
        "missing": {name: missing for name, (_, missing) in counted.items()},
        "parse_rate": {name: 1 - missing / n if n else None for name, (n, missing) in counted.items()},
    }


def _write_answers(path: Path, found: Sequence[Asked]) -> None:
    by_latent: dict[int, dict[str, Any]] = {}
    for asked in found:
        test = asked.latent.test
        line = by_latent.setdefault(
            asked.latent.latent,
            {
                "latent": asked.latent.latent,
                "examples": [e.id for e in test],
                "activating": [int(e.activating) for e in test],
                "explanations": {},
                "answers": {kind: {} for kind in KINDS},
                "why": {},
            },
        )
        if asked.explanation:
            line["explanations"][asked.arm] = asked.explanation
        line["answers"][asked.kind][asked.arm] = list(asked.values)
        if asked.why:
            line["why"][column(asked.kind, asked.arm)] = list(asked.why)
    with path.open("w", encoding="utf-8") as file:
        for latent in sorted(by_latent):
            file.write(json.dumps(by_latent[latent], ensure_ascii=False) + "\n")


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def _about(
    found: Sequence[Asked],
    index: Mapping[str, Any],
    explanations: Mapping[int, Explanation],
    scorer: Mapping[str, Any],
) -> dict[int, dict[str, Any]]:
    """What a latent's card says besides its examples."""
    about: dict[int, dict[str, Any]] = {}
    for asked in found:
        latent = asked.latent.latent
        card = about.setdefault(
            latent,
            {
                "coder": index["coder"]["name"],
                "site": index["coder"]["site_out"],
                "chosen": f"registered sample {index['digest']}: {len(index['drawn'])} of {index['n_latents']} latents",
                "rate": asked.latent.rate,
                "scorer": dict(scorer),
                "explanation": explanations[latent].text,
                "unexplained": explanations[latent].why,
                "scores": {},
                "answers": {},
            },
        )
        told = asked.account
        card["scores"][column(asked.kind, asked.arm)] = {
            "score": told.score,
            "parse_rate": told.parse_rate,
            "n": told.n,
        }
        if asked.arm == TRUE:
            card["answers"][asked.kind] = list(asked.values)
    return about
