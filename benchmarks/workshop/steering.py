"""Steered generations per second, against Hugging Face's generation one prompt at a time.

    python -m benchmarks.workshop.steering

Ratios within one run: the embedded model, the same prompts, the same number of new tokens, one direction added at the
same site. Sampling in both; ours with noise of its own for each prompt, so that its texts do not depend on the batch.
"""

from __future__ import annotations

from typing import Any

from .turns import head, line, over, seconds, tail

PROMPTS, NEW, BATCH = 96, 16, 96
BAR = 5.0
OURS, THEIRS = "batched here", "Hugging Face, one prompt at a time"


def main() -> None:
    import torch

    torch.set_num_threads(1)
    head("steered generation", "1 thread")
    taken = seconds(_arms(torch))
    for name, times in taken.items():
        line(f"{name}: generations per second", [PROMPTS / t for t in times], digits=0)
    line(f"{THEIRS} / {OURS}: seconds", over(taken[THEIRS], taken[OURS]), bar=BAR)
    tail(f"{PROMPTS} prompts, {NEW} new tokens each")


def _arms(torch: Any) -> dict[str, Any]:
    from fixtures.plan import plan_for
    from mi.organism.world.lexicon import CITIES, NAMES
    from mi.steering.generate import Dose, Gumbel, generate
    from mi.subjects.load import load_subject
    from mi.subjects.spec import subject_spec

    spec = subject_spec("organism")
    subject, site = load_subject(spec), plan_for(spec).residual
    prompts = [f" {NAMES[k % 64]} lives in {CITIES[k % 16]}. She works as a" for k in range(PROMPTS)]
    keys = [str(k) for k in range(PROMPTS)]
    direction = torch.randn(subject.d_model, generator=torch.Generator().manual_seed(0))
    vectors = direction.expand(PROMPTS, -1)

    def ours() -> None:
        # A new noise each time: kept noise would be an advantage that a single run has not.
        generate(
            subject, prompts, keys, noise=Gumbel(0), max_new_tokens=NEW, dose=Dose(site, vectors), batch_size=BATCH
        )

    def theirs() -> None:
        module = subject.hf.get_submodule(subject.places[site].module)

        def add(module: Any, args: Any, output: Any) -> Any:
            return (output[0] + direction, *output[1:]) if isinstance(output, tuple) else output + direction

        handle = module.register_forward_hook(add)
        try:
            for prompt in prompts:
                batch = subject.tokens([prompt])
                subject.hf.generate(
                    input_ids=batch.ids,
                    attention_mask=batch.attend.long(),
                    do_sample=True,
                    max_new_tokens=NEW,
                    pad_token_id=subject.vocabulary.pad,
                )
        finally:
            handle.remove()

    return {OURS: ours, THEIRS: theirs}


if __name__ == "__main__":
    main()
