"""Imports every engine, quietly; what the server of :mod:`.fresh` does before it is forked."""

import contextlib
import io
import warnings

with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import sae_lens
    import sae_lens.training.activations_store
    import sae_lens.training.multi_sae_trainer
    import sparsify
    import sparsify.data
    import transformer_lens.model_bridge
    import transformers.models.auto.modeling_auto
    from transformers.models.gpt_neox import modeling_gpt_neox

    import mi.activations.shard_writer
    import mi.coders.train_saelens
    import mi.coders.train_sparsify
    import mi.subjects.load
    import mi.subjects.subject

__all__ = ["mi", "modeling_gpt_neox", "sae_lens", "sparsify", "transformer_lens", "transformers"]
