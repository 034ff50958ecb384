"""Guards: what our own code refuses or warns of in the middle of a run, and how a scene lifts a refusal to show silence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from importlib import import_module
from typing import Any

from mi.claimable import Refusal
from mi.metrics.measurable import require_measurable

from .patch import replaced
from .scene import Fired

KINDS: dict[str, tuple[str, ...]] = {
    "mi.subjects.spec:spec_folder": ("K20",),
    "mi.subjects.subject:forward": ("K09",),
    "mi.subjects.tokens:check": ("K07", "K05"),
    "mi.activations.spot_check:spot_check": ("K05", "K06", "K16", "K20", "K30"),
    "mi.probing.labelled:require_apart": ("K13",),
    "mi.probing.split:outcomes": ("K13",),
    "mi.probing.spot_check:spot_check": ("K01", "K05", "K06", "K07", "K16"),
    "mi.probing.spot_check:_require_tokens_only": ("K19", "K20"),
    "mi.probing.second_look:_require_columns": ("K13",),
    "mi.probing.second_look:_require_scale": ("K13",),
    "mi.probing.second_look:_require_weights": ("K13", "K16", "K25"),
    "mi.probing.second_look:_require_outcomes": ("K16", "K24"),
    "mi.probing.second_look:require_different_draws": ("K18", "K21"),
    "mi.probing.runs:require_different_runs": ("K18", "K21"),
    "mi.steering.replay:replay": ("K05", "K08", "K09", "K16", "K18", "K20", "K21", "K24"),
    "mi.steering.choice:require_chosen_on": ("K13",),
    "mi.steering.prompts:require_splits": ("K13",),
    "mi.steering.directions:require_towards": ("K22",),
    "mi.steering.directions:require_sides": ("K22", "K24"),
    "mi.saebench.gate:gate": ("K01",),
    "mi.saebench.model:parity": ("K05", "K06", "K07", "K08", "K20"),
    "mi.saebench.recorded_probes:require": ("K16", "K24"),
    "mi.circuits.ablation:mask": ("K11", "K21", "K28"),
    "mi.circuits.ablation:require_in_place": ("K09", "K11", "K24"),
    "mi.circuits.causal:_require_end_points": ("K11",),
    "mi.circuits.circuit:__post_init__": ("K11",),
    "mi.circuits.circuit:require_different": ("K19", "K21"),
    "mi.circuits.found:require_apart": ("K13",),
    "mi.circuits.random_sets:require_matched": ("K15", "K19"),
    "mi.circuits.random_sets:random_sets": ("K19", "K21"),
    "mi.circuits.reference:_require_all": ("K06", "K28"),
    "mi.circuits.reference:_require_sums": ("K06", "K24"),
    "mi.circuits.resumed:require_parity": ("K08",),
    "mi.circuits.second_look:_require": ("K09", "K11", "K16", "K20", "K21", "K24"),
    "mi.circuits.second_look:require_complete": ("K12", "K24"),
    "mi.metrics.rows:ordered": ("K07",),
    "mi.metrics.rows:require_one_path": ("K01", "K10"),
    "mi.metrics.loss_recovered:_require_in_place": ("K09", "K07"),
    "mi.metrics.second_look:require_mean": ("K24", "K06", "K02"),
    "mi.metrics.second_look:require_totals": ("K24", "K02"),
    "mi.metrics.second_look:require_documents": ("K24", "K16", "K28"),
    "mi.autointerp.accounting:account": ("K14",),
    "mi.autointerp.cards:_card": ("K14", "K24"),
    "mi.autointerp.delphi_engine:explainer_prompt": ("K13",),
    "mi.autointerp.examples:_require_bos": ("K07",),
    "mi.autointerp.examples:_require_registered": ("K20",),
    "mi.autointerp.fair:_require_alike": ("K15", "K19", "K21"),
    "mi.autointerp.fair:_require_deciles": ("K20", "K24"),
    "mi.autointerp.fair:_require_marks": ("K20", "K24"),
    "mi.autointerp.fair:_require_new": ("K13", "K21"),
    "mi.autointerp.last_look:last_look": ("K20", "K21", "K28"),
    "mi.autointerp.last_look:_require_rates": ("K13", "K15", "K28"),
    "mi.autointerp.last_look:_require_as_cached": ("K05", "K13", "K16"),
    "mi.autointerp.said:_require_answered": ("K06", "K14", "K16", "K20", "K26"),
    "mi.autointerp.said:_require_read": ("K14",),
    "mi.autointerp.said:require_said": ("K14", "K16"),
    "mi.autointerp.second_look:_compare": ("K14", "K24"),
    "mi.autointerp.second_look:_require_covered": ("K20", "K28"),
    "mi.autointerp.second_look:_require_others": ("K19", "K21"),
    "mi.autointerp.second_look:require_answers": ("K14", "K16", "K28"),
    "mi.autointerp.spot_check:_recount": ("K16", "K21"),
    "mi.autointerp.spot_check:spot_check": ("K16", "K20", "K30"),
    "runners.store:require_same_recipe": ("K26",),
    "mi.coders.load:load_coder": ("K20",),
    "mi.coders.stream:require_untouched": ("K27",),
    "mi.coders.stream:require_shuffled": ("K19",),
    "mi.coders.saelens_run:require_rows": ("K21",),
    "mi.coders.saelens_run:require_same_function": ("K03",),
}
"""K-numbers of the guard that raised."""
UNMEASURABLE = {
    "was trained on": ("K13",),
    "predicting the mean does better": ("K23", "K02", "K20", "K22"),
    "latents fire on one token": ("K20", "K01"),
    "ablating the site": ("K23", "K09"),
    "no latent ever fired": ("K23",),
}
"""Words of a reason why something is not measurable, and its K-numbers."""
SAID = {
    "sparsify minimises something else": ("K25",),
    "the auxiliary loss was made for": ("K25",),
    "decoder rows of norm": ("K25",),
    "not converged": ("K25",),
    "learning rate": ("K25", "K20"),
    "where k =": ("K20", "K04"),
    "damaged and will be built again": ("K04",),
}
"""Words of a warning of ours, and its K-numbers."""


def kinds_of_guard(where: str) -> tuple[str, ...]:
    """K-numbers of ``package.module:function``."""
    return KINDS.get(where, ())


def kinds_of_warning(text: str) -> tuple[str, ...]:
    """K-numbers of a warning of ours."""
    return next((kinds for words, kinds in SAID.items() if words in text), ())


def unmeasurable(every: Iterable[Mapping[str, Any]]) -> list[Fired]:
    """What :mod:`mi.metrics.measurable` refuses to pass on, reason by reason."""
    fired = []
    for facts in every:
        try:
            require_measurable(facts)
        except Refusal as refusal:
            kinds = tuple(k for words, kinds in UNMEASURABLE.items() if words in str(refusal) for k in kinds)
            fired.append(Fired("mi.metrics.measurable", kinds, str(refusal)))
    return fired


@contextmanager
def lifted(*names: str) -> Iterator[None]:
    """Functions and methods of ours (``mi.module:name`` or ``mi.module:Class.name``) that object to nothing inside."""
    with ExitStack() as stack:
        for name in names:
            module, _, path = name.partition(":")
            *owners, last = path.split(".")
            owner: Any = import_module(module)
            for step in owners:
                owner = getattr(owner, step)
            stack.enter_context(replaced(owner, last, lambda *args, **more: None))
        yield


SECOND_LOOK = (
    "mi.metrics.second_look:SecondLook.require_mean",
    "mi.metrics.second_look:SecondLook.require_totals",
    "mi.metrics.reconstruction:require_documents",
)
SPOT_CHECK = ("mi.activations.spot_check:spot_check",)
TRAINING = (
    "mi.coders.stream:require_untouched",
    "mi.coders.stream:require_shuffled",
    "mi.coders.train_saelens:require_rows",
    "mi.coders.saelens_run:require_same_function",
)
