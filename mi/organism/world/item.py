"""Item: one question with its right and wrong answers, and its corrupted counterpart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .document import Document
from .generate import KINDS, documents, rewrite
from .kind import Task

TASKS: dict[str, Task] = {name: task for kind in KINDS.values() for name, task in kind.tasks.items()}
KIND_OF = {name: kind.name for kind in KINDS.values() for name in kind.tasks}


@dataclass(frozen=True, slots=True)
class Item:
    """One question.

    Attributes:
        id: unique over tasks, splits and seeds.
        task: a key of :data:`TASKS`.
        prompt: what the model reads; starts with a space, ends without one.
        answers_correct: continuations that count as right, each with its leading space if it has one. Always tokenize
            ``prompt + answer``; the part after the prompt's tokens is the answer.
        answers_wrong: the alternatives.
        corrupted_prompt: the counterpart, as long in tokens of the organism's tokenizer.
        corrupted_correct: right after the corrupted prompt.
        corrupted_wrong: wrong after it.
        document: the whole clean document, with spans and labels.
        corrupted: the whole corrupted document.
    """

    id: str
    task: str
    prompt: str
    answers_correct: tuple[str, ...]
    answers_wrong: tuple[str, ...]
    corrupted_prompt: str
    corrupted_correct: tuple[str, ...]
    corrupted_wrong: tuple[str, ...]
    document: Document
    corrupted: Document

    @property
    def labels(self) -> Mapping[str, Any]:
        """The latent variables of the clean document."""
        return self.document.labels


def items(task: str, split: str, seed: int, n: int) -> list[Item]:
    """At most ``n`` questions with different prompts; fewer where the split has no more.

    Raises:
        ValueError: unknown task or split.
    """
    if task not in TASKS:
        raise ValueError(f"task {task!r}; expected one of {', '.join(TASKS)}")
    asked = TASKS[task]
    kind = KINDS[KIND_OF[task]]
    out: list[Item] = []
    seen: set[str] = set()
    idle = 0
    for document in documents(split, seed, None, [kind.name]):
        if len(out) == n or idle == 20_000:
            break
        idle += 1
        if not asked.applies(document.labels) or (prompt := document.before(asked.role, 0)) in seen:
            continue
        seen.add(prompt)
        idle = 0
        other = rewrite(document, (asked.corrupt or kind.corrupt)(dict(document.labels)), "~")
        out.append(
            Item(
                f"{task}-{document.id}",
                task,
                prompt,
                asked.right(document.labels),
                asked.wrong(document.labels),
                other.before(asked.role, 0),
                asked.right(other.labels),
                asked.wrong(other.labels),
                document,
                other,
            )
        )
    return out
