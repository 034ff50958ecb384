"""Gate: exactly one BOS is fed, and no special token is scored."""

from __future__ import annotations

import torch

from ..errors import SubjectError
from ..tokens import Row, TokenBatch
from .exam import Exam
from .report import GateReport


def bos(exam: Exam) -> list[GateReport]:
    """Count what is fed and what is scored, on the tensors themselves, whatever the text begins with."""
    subject, vocabulary = exam.subject, exam.subject.vocabulary
    texts = list(exam.texts[:4])
    if vocabulary.bos is not None:
        token = subject.tokenizer.convert_ids_to_tokens(vocabulary.bos)
        texts += [token + texts[0], token + token + texts[0]]
    length = min(subject.context, 64)
    wrong: list[str] = []
    for side in ("right", "left"):
        batch = subject.tokens(texts, length, side)
        wrong += [f"{side}: {problem}" for problem in _problems(exam, batch, texts, length)]
    if vocabulary.needs_bos and _runs_without(exam):
        wrong.append("ran without BOS")
    fed = "one BOS a row, fed and not scored" if vocabulary.bos is not None else "no BOS in this tokenizer"
    return [GateReport("bos", not wrong, f"{fed}: mistakes", float(len(wrong)), 0.0, "; ".join(wrong[:3]))]


def _problems(exam: Exam, batch: TokenBatch, texts: list[str], length: int) -> list[str]:
    vocabulary = exam.subject.vocabulary
    found = []
    special = torch.isin(batch.ids, torch.tensor(sorted(vocabulary.specials), dtype=torch.int64))
    if bool((batch.scored & special).any()):
        found.append(f"{int((batch.scored & special).sum())} special tokens scored")
    if bool((batch.scored & ~batch.attend).any()):
        found.append("padding scored")
    if int(batch.ids.max()) >= vocabulary.size:
        found.append(f"id {int(batch.ids.max())} beyond the vocabulary")
    kept = [text for i, text in enumerate(texts) if i not in batch.excluded]
    for i, text in enumerate(kept):
        ids = batch.ids[i][batch.attend[i]].tolist()
        lead = next((n for n, token in enumerate(ids) if token != vocabulary.bos), len(ids))
        if lead != (vocabulary.bos is not None):
            found.append(f"row {i} begins with {lead} BOS")
        # The tokenizer's own words for the text, without anything added.
        plain = exam.subject.tokenizer(text, add_special_tokens=False).input_ids
        while plain and plain[0] == vocabulary.bos:
            plain = plain[1:]
        content = [t for t in plain[: length - lead] if t not in vocabulary.specials]
        if batch.ids[i][batch.scored[i]].tolist() != content:
            found.append(f"row {i}: scored tokens are not the text's")
    return found


def _runs_without(exam: Exam) -> bool:
    row = exam.rows[0]
    bare = Row(row.text, row.ids[1:], row.scored[1:])
    try:
        exam.subject.logits(TokenBatch.of([bare], exam.subject.vocabulary.pad))
    except SubjectError:
        return False
    return True
