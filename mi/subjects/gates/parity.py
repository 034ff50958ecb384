"""Gates: the subject computes what Hugging Face and TransformerLens compute, with the weights of its files."""

from __future__ import annotations

from hashlib import sha256

import torch
from torch import Tensor

from ..load import load_hf
from ..spec import spec_folder
from .exam import Exam
from .report import GateReport, Worst


def hugging_face(exam: Exam) -> list[GateReport]:
    """Logits and residual streams equal a second, unhooked model's; what the sites add up to as well.

    Rows run alone and unpadded, so that nothing is in common with the reference but the ids: no mask, no positions.
    """
    reports = []
    for name, batch in (("short", exam.short), ("long", exam.long)):
        logits, stream, parts = Worst(), Worst(), Worst()
        for where, row in exam.at_each_row(batch):
            # Every kind of site of the layers in use, because they vouch for each other.
            sites = tuple(s for s in exam.subject.sites if any(s.startswith(f"blocks.{n}.") for n in exam.layers))
            got, acts = exam.subject.run(row, sites)
            wanted, hidden = exam.reference_run(row.ids, hidden=True)
            logits.compare(got, wanted, where)
            _streams(exam, acts, hidden, stream, where)
            _parts(exam, acts, hidden, parts, where)
        window = f" (window {exam.subject.window})" if exam.subject.window else ""
        what = f"of Hugging Face, {batch.ids.shape[1]} tokens{window}"
        reports.append(logits.report(f"logits-{name}", f"logits against those {what}", exam.same))
        reports.append(stream.report(f"residual-{name}", f"residual streams against those {what}", exam.same))
        if additive(exam):
            compared = f"what attention and MLP add, and the MLP of its input, against hidden states {what}"
            reports.append(parts.report(f"parts-{name}", compared, exam.reordered))
    return reports


def _streams(exam: Exam, acts: dict[str, Tensor], hidden: tuple[Tensor, ...], worst: Worst, where: str) -> None:
    last = exam.subject.n_layers - 1
    for layer in exam.layers:
        worst.compare(acts[f"blocks.{layer}.hook_resid_pre"], hidden[layer], f"layer {layer} in, {where}")
        # The last hidden state of Hugging Face has been through the final norm.
        if layer < last:
            worst.compare(acts[f"blocks.{layer}.hook_resid_post"], hidden[layer + 1], f"layer {layer} out, {where}")


def _parts(exam: Exam, acts: dict[str, Tensor], hidden: tuple[Tensor, ...], worst: Worst, where: str) -> None:
    for layer in exam.layers:
        stem = f"blocks.{layer}"
        out = acts[f"{stem}.hook_resid_post"] if layer == exam.subject.n_layers - 1 else hidden[layer + 1]
        added = acts.get(f"{stem}.hook_attn_out"), acts.get(f"{stem}.hook_mlp_out")
        if added[0] is not None and added[1] is not None:
            worst.compare(hidden[layer] + added[0] + added[1], out, f"layer {layer}, sum, {where}")
        if f"{stem}.mlp.hook_in" in acts and f"{stem}.mlp.hook_out" in acts:
            mlp = exam.reference.get_submodule(exam.subject.places[f"{stem}.mlp.hook_out"].module)
            with torch.no_grad():
                made = mlp(acts[f"{stem}.mlp.hook_in"])
            worst.compare(acts[f"{stem}.mlp.hook_out"], made, f"layer {layer}, MLP, {where}")


def additive(exam: Exam) -> bool:
    """Whether a layer of this architecture adds what attention and MLP put out, as it is, to its input.

    Taken from the bridge, so that a broken subject does not excuse itself.
    """
    row = exam.short.select([0])
    with torch.no_grad():
        _, cache = exam.subject.bridge.run_with_cache(row.ids.to(exam.subject.device))
    for layer in exam.layers:
        names = [f"blocks.{layer}.{k}" for k in ("hook_resid_pre", "hook_attn_out", "hook_mlp_out", "hook_resid_post")]
        if any(name not in cache for name in names):
            return False
        pre, attn, mlp, post = (cache[name] for name in names)
        worst = Worst()
        worst.compare(pre + attn + mlp, post, "")
        if worst.value > exam.reordered:
            return False
    return True


def transformer_lens(exam: Exam) -> list[GateReport]:
    """Logits and every site in use equal the bridge's, which computes attention in its own way."""
    reports = []
    for name, batch in (("short", exam.short), ("long", exam.long)):
        worst = Worst()
        mask = batch.attend
        got, acts = exam.subject.run(batch, exam.sites)
        with torch.no_grad():
            wanted, cache = exam.subject.bridge.run_with_cache(
                batch.ids.to(exam.subject.device),
                attention_mask=mask.long().to(exam.subject.device),
                names_filter=list(exam.sites),
            )
        worst.compare(got[mask], wanted[mask], "logits")
        for site in exam.sites:
            worst.compare(acts[site][mask], cache[site][mask], site)
        reports.append(
            worst.report(f"transformer-lens-{name}", "logits and sites against the bridge's", exam.reordered)
        )
    return reports


def weights(exam: Exam) -> list[GateReport]:
    """Trained weights are those in the files; randomised matrices are not, no two are alike, and another seed makes others."""
    spec = exam.subject.spec
    filed = _filed(exam)
    kept = set()
    if spec["weights"] == "reinit-keep-embeddings":
        ends = (exam.subject.hf.get_input_embeddings(), exam.subject.hf.get_output_embeddings())
        kept = {id(p) for end in ends if end is not None for p in end.parameters()}
    model = list(exam.subject.hf.named_parameters())
    hashes = {name: _hash(tensor) for name, tensor in model if tensor.dim() > 1 or spec["weights"] == "trained"}
    if spec["weights"] == "trained":
        strangers = [name for name, value in hashes.items() if value not in filed]
        # Some architectures are stored in other pieces than they are run in; then this gate cannot tell.
        if strangers and len(filed) != len(set(hashes.values())):
            return []
        return [_counted("weights", "weights that are in none of the files", strangers)]
    changed = [n for n, p in model if n in hashes and id(p) not in kept]
    trained = [n for n in changed if hashes[n] in filed]
    twins = [n for n in changed if list(hashes.values()).count(hashes[n]) > 1]
    again = {_hash(p) for p in load_hf({**spec, "weights_seed": spec["weights_seed"] + 1}).parameters() if p.dim() > 1}
    fixed = [n for n in changed if hashes[n] in again]
    return [
        _counted("weights", "matrices of a randomised copy that are trained, or twice the same", trained + twins),
        _counted("seed", "matrices of a randomised copy that another seed makes too", fixed),
    ]


def _counted(name: str, compared: str, found: list[str]) -> GateReport:
    return GateReport(name, not found, compared, float(len(found)), 0.0, ", ".join(found[:3]))


def _filed(exam: Exam) -> set[bytes]:
    from safetensors import safe_open

    found = set()
    for path in sorted(spec_folder(exam.subject.spec).glob("*.safetensors")):
        with safe_open(path, framework="pt") as file:
            for name in file.keys():  # noqa: SIM118
                found.add(_hash(file.get_tensor(name).to(exam.subject.hf.dtype)))
    return found


def _hash(tensor: Tensor) -> bytes:
    flat = tensor.detach().cpu().contiguous()
    return sha256(str(tuple(flat.shape)).encode() + flat.view(torch.uint8).numpy().tobytes()).digest()
