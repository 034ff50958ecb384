"""Edge attribution patching: what a table of means can and cannot support."""

import numpy as np
import pytest

from mi.sample import Sample


@pytest.mark.claim("eap-ig.more-edges-more-faithful")
def test_more_edges_more_faithful(judge, other_tables, method):
    judge(np.diff(other_tables["eap-ig"]["ioi"][method]), above=0.0)


@pytest.mark.claim("eap-ig.eap-ig-beats-eap")
def test_eap_ig_beats_eap(judge, other_tables, task):
    curves = other_tables["eap-ig"][task]
    budgets = curves.get("edges", other_tables["eap-ig"]["edges"])
    judge(Sample(curves["EAP-IG"], budgets) - Sample(curves["EAP"], budgets), above=0.0)


@pytest.mark.claim("eap-ig.circuits-are-task-specific")
def test_circuits_are_task_specific(judge, other_tables):
    other_task = {
        pair: v for pair, v in other_tables["eap-ig"]["cross-task"].items() if len(set(pair.split(" on "))) == 2
    }
    judge(Sample(list(other_task.values()), list(other_task)), below=0.2)
