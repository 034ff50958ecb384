"""Everything a claim can be made about, under one roof.

Each function takes plain arrays or samples, and returns a contrast that ``judge`` accepts.
"""

from .contrasts.contrast import Contrast
from .contrasts.difference import paired, two_proportions, unpaired, unpaired_summary
from .contrasts.mean import mean, median, outcomes, proportion
from .contrasts.random_sets import against_one_set, against_random_sets
from .contrasts.ratio import clustered_mean, faithfulness, ratio_difference, ratio_of_sums
from .contrasts.runs import over_runs
from .contrasts.similarity import similarity
from .interval import Interval
from .refusal import Refusal
from .sample import Sample

__all__ = [
    "Contrast",
    "Interval",
    "Refusal",
    "Sample",
    "against_one_set",
    "against_random_sets",
    "clustered_mean",
    "faithfulness",
    "mean",
    "median",
    "outcomes",
    "over_runs",
    "paired",
    "proportion",
    "ratio_difference",
    "ratio_of_sums",
    "similarity",
    "two_proportions",
    "unpaired",
    "unpaired_summary",
]
