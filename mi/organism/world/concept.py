"""Concepts: yes-no questions about documents for probes, each with a known answer about what its words give away."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from .document import Document
from .generate import documents
from .kind import _all

Labels = Mapping[str, Any]


@dataclass(frozen=True)
class Concept:
    """One concept.

    Attributes:
        kind: the kind of document it is about.
        level: ``"token"``: single words give it away, so randomised copies read it too; ``"compositional"``: the bag
            of words is at chance by construction; ``"knowledge"``: at chance for groups never seen (split by
            ``group``).
        label: the answer.
        role: the text is cut in front of this span; its last token is where the model needs the answer.
        applies: which documents of the kind.
        group: the latent by which training and test must be split; None if the world's own splits suffice.
        needed: whether the next token depends on it (if not, the model may well drop it).
    """

    kind: str
    level: Literal["token", "compositional", "knowledge"]
    label: Callable[[Labels], bool]
    role: str = "answer"
    applies: Callable[[Labels], bool] = _all
    group: str | None = None
    needed: bool = True


CONCEPTS: dict[str, Concept] = {
    "negated_job_outdoor": Concept("negation", "compositional", lambda d: d["group"] == "outdoor"),
    "negated_request_harmful": Concept("negated_chat", "compositional", lambda d: d["harmful"]),
    "head_plural": Concept(
        "agreement",
        "compositional",
        lambda d: d["head_plural"],
        applies=lambda d: d["distractor_count"] == 2 and d["first_opposite"],
    ),
    "repeated_name_first": Concept("indirect_object", "compositional", lambda d: d["order"] == "BABA"),
    "bound_job_outdoor": Concept("binding", "compositional", lambda d: d["group"] == "outdoor"),
    "emblem_bird": Concept(
        "fact",
        "knowledge",
        lambda d: d["group"] == "bird",
        applies=lambda d: d["relation"] == "emblem",
        group="town",
    ),
    "harmful": Concept("chat", "token", lambda d: d["harmful"]),
    "topic_music": Concept(
        "topics", "token", lambda d: d["topic"] == "music", applies=lambda d: d["topic"] in ("music", "space")
    ),
    "job_outdoor": Concept(
        "biography",
        "token",
        lambda d: d["group"] == "outdoor",
        role="job",
        applies=lambda d: d["template"] in (1, 2),
    ),
    "nurse": Concept(
        "biography",
        "token",
        lambda d: d["job"] == "nurse",
        role="job",
        applies=lambda d: d["template"] in (1, 2) and d["job"] in ("nurse", "teacher"),
    ),
    "gender": Concept("biography", "token", lambda d: d["gender"] == "female", role="pronoun"),
    "receiver_female": Concept(
        "indirect_object",
        "token",
        lambda d: d["receiver_gender"] == "female",
        applies=lambda d: d["receiver_gender"] != d["subject_gender"],
    ),
    "city_north": Concept(
        "biography",
        "token",
        lambda d: d["region"] == "north",
        role="job",
        applies=lambda d: d["template"] in (1, 2),
        needed=False,
    ),
}


@dataclass(frozen=True, slots=True)
class Example:
    """One labelled text: ``text`` is cut where the answer would follow."""

    id: str
    text: str
    label: bool
    group: str | None
    document: Document


def examples(concept: str, split: str, seed: int, n: int) -> list[Example]:
    """At most ``n`` different texts with their labels.

    Raises:
        ValueError: unknown concept or split.
    """
    if concept not in CONCEPTS:
        raise ValueError(f"concept {concept!r}; expected one of {', '.join(CONCEPTS)}")
    asked = CONCEPTS[concept]
    out: list[Example] = []
    seen: set[str] = set()
    idle = 0
    for document in documents(split, seed, None, [asked.kind]):
        if len(out) == n or idle == 20_000:
            break
        idle += 1
        if not asked.applies(document.labels) or (text := document.before(asked.role, 0)) in seen:
            continue
        seen.add(text)
        idle = 0
        group = str(document.labels[asked.group]) if asked.group else None
        out.append(Example(f"{concept}-{document.id}", text, bool(asked.label(document.labels)), group, document))
    return out
