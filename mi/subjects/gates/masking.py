"""Gates: no token sees the future or the padding, and a row is the same in any company."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from ..tokens import Row, TokenBatch
from .exam import Exam
from .report import GateReport, Worst


def causality(exam: Exam) -> list[GateReport]:
    """Other tokens from the middle on leave everything before the middle as it was."""
    reports = []
    for name, batch in (("short", exam.short), ("long", exam.long)):
        worst = Worst()
        for where, row in exam.at_each_row(batch):
            middle = row.ids.shape[1] // 2
            before, kept = exam.subject.run(row, exam.sites)
            after, moved = exam.subject.run(_other_ending(exam, row, middle), exam.sites)
            worst.compare(after[:, :middle], before[:, :middle], f"logits, {where}")
            for site in exam.sites:
                worst.compare(moved[site][:, :middle], kept[site][:, :middle], f"{site}, {where}")
        compared = f"positions before a changed token ({batch.ids.shape[1]} tokens)"
        reports.append(worst.report(f"causality-{name}", compared, exam.same))
    return reports


def _other_ending(exam: Exam, row: TokenBatch, middle: int) -> TokenBatch:
    vocabulary = exam.subject.vocabulary
    content = sorted({i for r in exam.rows for i in r.ids if i not in vocabulary.specials})
    # The next id in use: surely another one, if there are two.
    turn = dict(zip(content, [*content[1:], content[0]], strict=True))
    ids = row.ids.clone()
    ids[0, middle:] = torch.tensor([turn.get(int(i), int(i)) for i in ids[0, middle:]])
    return replace(row, ids=ids)


def padding(exam: Exam) -> list[GateReport]:
    """Rows alone equal the same rows in a batch, padded right or left, with any token in the padding."""
    batch = exam.short
    alone = [exam.subject.run(row, exam.sites) for _, row in exam.at_each_row(batch)]
    single = _join(exam, [(row, *run) for (_, row), run in zip(exam.at_each_row(batch), alone, strict=True)])
    sides, content, ends, wrong = Worst(), Worst(), Worst(), Worst()
    for side in ("right", "left"):
        padded = batch.padded(side)
        # Whoever asks for the left side reads the last column.
        wrong.add(float((~padded.attend[:, -1 if side == "left" else 0]).sum()), side)
        here = _join(exam, [(padded, *exam.subject.run(padded, exam.sites))])
        _compare(here, single, sides, side)
        other = replace(padded, ids=torch.where(padded.attend, padded.ids, _another(exam, padded.pad_id)))
        _compare(_join(exam, [(other, *exam.subject.run(other, exam.sites))]), here, content, side)
        rows = torch.arange(len(padded))
        last = [_end(row) for row in batch.rows]
        ends.add(float((padded.ids[rows, padded.last()] != torch.tensor(last)).sum()), side)
    return [
        sides.report("padding", "scored positions padded right and left against unpadded rows", exam.reordered),
        content.report("padding-content", "scored positions with another token in the padding", exam.same),
        wrong.report("padding-side", "rows that are padded on another side than was asked for", 0.0),
        ends.report("last-token", "rows whose last token is not their last scored token", 0.0),
    ]


def company(exam: Exam) -> list[GateReport]:
    """Rows do not depend on batch size and on the order of rows, and come back in the order they were given."""
    batch, worst = exam.short, Worst()
    whole = _join(exam, [(batch, *exam.subject.run(batch, exam.sites))])
    pairs = _join(exam, [(part, *exam.subject.run(part, exam.sites)) for part in batch.split(2)])
    _compare(pairs, whole, worst, "batches of 2")
    order = list(range(len(batch)))[::-1]
    turned = batch.select(order)
    logits, acts = exam.subject.run(turned, exam.sites)
    back = [order.index(i) for i in range(len(batch))]
    turned_back = replace(turned, attend=turned.attend[back], scored=turned.scored[back], ids=turned.ids[back])
    _compare(
        _join(exam, [(turned_back, logits[back], {s: a[back] for s, a in acts.items()})]), whole, worst, "reversed"
    )
    return [worst.report("company", "scored positions in smaller batches and in reverse order", exam.reordered)]


def _join(exam: Exam, runs: list[tuple[TokenBatch, Tensor, dict[str, Tensor]]]) -> dict[str, Tensor]:
    """Scored positions of all runs, row after row."""
    joined = {"logits": torch.cat([logits[batch.scored] for batch, logits, _ in runs])}
    for site in exam.sites:
        joined[site] = torch.cat([acts[site][batch.scored] for batch, _, acts in runs])
    return joined


def _compare(got: dict[str, Tensor], wanted: dict[str, Tensor], worst: Worst, where: str) -> None:
    for name in wanted:
        worst.compare(got[name], wanted[name], f"{name}, {where}")


def _another(exam: Exam, pad: int) -> int:
    return next(i for row in exam.rows for i, scored in zip(row.ids, row.scored, strict=True) if scored and i != pad)


def _end(row: Row) -> int:
    return [i for i, scored in zip(row.ids, row.scored, strict=True) if scored][-1]
