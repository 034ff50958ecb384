"""Registry: every mutant, bugs first."""

from __future__ import annotations

from .mutant import Mutant
from .mutants import (
    autointerp_answers,
    autointerp_benign,
    autointerp_windows,
    benign,
    circuits,
    coders,
    data,
    design,
    hooks,
    loading,
    metrics,
    probing,
    saebench,
    steering,
    tokens,
    training,
)

MUTANTS: tuple[Mutant, ...] = (
    *loading.MUTANTS,
    *hooks.MUTANTS,
    *tokens.MUTANTS,
    *coders.MUTANTS,
    *training.MUTANTS,
    *metrics.MUTANTS,
    *data.MUTANTS,
    *probing.MUTANTS,
    *steering.MUTANTS,
    *circuits.MUTANTS,
    *autointerp_windows.MUTANTS,
    *autointerp_answers.MUTANTS,
    *saebench.MUTANTS,
    *design.MUTANTS,
    *benign.MUTANTS,
    *autointerp_benign.MUTANTS,
)

BY_ID: dict[str, Mutant] = {mutant.id: mutant for mutant in MUTANTS}
if len(BY_ID) != len(MUTANTS):
    raise ValueError("two mutants with one id")
