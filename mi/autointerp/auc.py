"""auc: how well one number per window tells activating windows from others."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite, nan

from ..refusal import Refusal


def auc(activating: Sequence[bool], values: Sequence[float]) -> float:
    """Area under the ROC curve, from 0 to 1, chance .5: how often an activating window has the larger value, ties half.

    NaN with one class only: then it is not measurable, and not 0.

    Raises:
        Refusal: not one finite value per window.
    """
    if len(activating) != len(values) or not all(map(isfinite, values)):
        raise Refusal(
            f"{len(values)} values of {len(activating)} windows, {sum(not isfinite(v) for v in values)} not finite",
            "one finite number per window",
            "Find out what could not be scored.",
        )
    if len(set(map(bool, activating))) < 2:
        return nan
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score([bool(a) for a in activating], values))
