"""Gates: hooks read what is there, edits take effect once and only there, and what was saved stays as it was."""

from __future__ import annotations

import torch
from torch import Tensor

from ..errors import SubjectError
from ..sites import Edit
from .exam import Exam
from .parity import additive
from .report import GateReport, Worst


def census(exam: Exam) -> list[GateReport]:
    """Every site that the subject offers comes by exactly once in a forward pass."""
    counts: dict[str, int] = dict.fromkeys(exam.subject.sites, 0)

    def counter(site: str) -> Edit:
        def edit(value: Tensor) -> Tensor:
            counts[site] += 1
            return value

        return edit

    wrong: list[str] = []
    for sites in ([s for s in counts if s not in exam.sites], list(exam.sites)):
        try:
            exam.subject.run_edited(exam.short, {site: counter(site) for site in sites})
        except SubjectError as error:
            wrong.append(str(error))
    wrong += [f"{site}: {n} times" for site, n in counts.items() if n != 1]
    wrong += [f"{site}: not offered" for site in exam.sites if site not in counts]
    return [GateReport("census", not wrong, "sites not met exactly once", float(len(wrong)), 0.0, "; ".join(wrong[:3]))]


def identity(exam: Exam) -> list[GateReport]:
    """Putting back what is there changes nothing, to the bit; so does reading it."""
    worst, batch = Worst(), exam.short
    plain = exam.subject.logits(batch)
    worst.compare(exam.subject.run_edited(batch, {site: lambda x: x for site in exam.sites}), plain, "identity edits")
    worst.compare(exam.subject.run(batch, exam.sites)[0], plain, "reading")
    worst.compare(exam.subject.logits(batch), plain, "once more")
    return [worst.report("identity", "logits with nothing changed", 0.0)]


def effect(exam: Exam) -> list[GateReport]:
    """A known vector added at one position of one row changes what it should, by how much it should.

    Known amounts: at the site the vector itself; at the layer's output the vector and what it made the layer's later
    parts add; in the logits what the bridge says of the same edit. Other rows and earlier positions: nothing, to the
    bit.
    """
    dose, spill, known, force = Worst(), Worst(), Worst(), Worst()
    adds = additive(exam)
    batch = exam.short
    row = max(range(len(batch)), key=lambda i: len(batch.rows[i].ids))
    scored = batch.scored[row].nonzero().flatten()
    position = int(scored[len(scored) // 2])
    for site in exam.sites:
        stem = site.split(".")[1]
        parts = [f"blocks.{stem}.{k}" for k in ("hook_resid_pre", "hook_attn_out", "hook_mlp_out", "hook_resid_post")]
        seen = list(dict.fromkeys(s for s in (site, *parts) if s in exam.subject.places))
        logits, before = exam.subject.run(batch, seen)
        delta = _delta(before[site], batch.attend)
        edit = _adding(delta, row, position)
        changed, after = exam.subject.run(batch, seen, {site: edit})
        moved = {s: after[s] - before[s] for s in seen}
        dose.compare(moved[site][row, position], delta, site)
        _untouched(moved, changed - logits, row, position, spill, site)
        with torch.no_grad():
            wanted = exam.subject.bridge.run_with_hooks(
                batch.ids.to(exam.subject.device),
                attention_mask=batch.attend.long().to(exam.subject.device),
                fwd_hooks=[(site, lambda value, hook, edit=edit: edit(value.clone()))],
            )
        known.compare(changed[batch.attend], wanted[batch.attend], f"{site}, logits")
        if adds and site in parts:
            pre, attn, mlp, post = (moved[s][row, position] for s in parts)
            made = delta if site == parts[3] else pre + attn + mlp
            scale = float(delta.square().mean().sqrt()) or 1.0
            known.add(float((post - made).abs().max()) / scale, f"{site}, end of the layer")
        # Zero where a known and considerable vector was added: the hook is not connected.
        force.add(float(torch.equal(changed[row, position:], logits[row, position:])), site)
    return [
        dose.report("dose", "what an edit changed at its site against what it was to add", exam.reordered),
        spill.report("spill", "change in other rows and at earlier positions", 0.0),
        known.report("effect", "what an edit changed downstream against sums and the bridge", 10 * exam.reordered),
        force.report("connected", "edits without any effect on the logits", 0.0),
    ]


def _delta(values: Tensor, mask: Tensor) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    scale = values[mask].double().square().mean().sqrt()
    return (torch.randn(values.shape[-1], generator=generator) * scale.cpu()).to(values)


def _adding(delta: Tensor, row: int, position: int) -> Edit:
    def edit(value: Tensor) -> Tensor:
        value[row, position] += delta
        return value

    return edit


def _untouched(moved: dict[str, Tensor], logits: Tensor, row: int, position: int, worst: Worst, site: str) -> None:
    for name, change in (*moved.items(), ("logits", logits)):
        rest = change.clone()
        rest[row, position:] = 0
        worst.add(float(rest.abs().max()), f"{name} after an edit of {site}")
    elsewhere = moved[site].clone()
    elsewhere[row, position] = 0
    worst.add(float(elsewhere.abs().max()), f"{site}, other positions")


def aliasing(exam: Exam) -> list[GateReport]:
    """What was saved is the caller's: no later run changes it, it changes no later run, and no two share memory."""
    worst, batch = Worst(), exam.short
    ids = batch.ids.clone()
    logits, saved = exam.subject.run(batch, exam.subject.sites)
    copies = {site: value.clone() for site, value in saved.items()}
    places = [value.untyped_storage().data_ptr() for value in (logits, *saved.values())]
    worst.add(float(len(places) - len(set(places))), "tensors that share memory")
    exam.subject.run(exam.long, exam.subject.sites)
    exam.subject.logits(batch.padded("left"))
    for site, value in saved.items():
        worst.compare(value, copies[site], f"{site} after another run")
        value.fill_(7.0)
    again = exam.subject.run(batch, exam.subject.sites)[1]
    for site, value in again.items():
        worst.compare(value, copies[site], f"{site} run again")
    worst.add(float((batch.ids != ids).sum()), "ids that were changed")
    return [worst.report("aliasing", "saved tensors, and the model, after other use", 0.0)]
