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


@pytest.mark.claim("eap-ig.circuits-are-faithful-to-their-task")
def test_circuits_are_faithful_to_their_task(judge, other_tables):
    judge(list(other_tables["eap-ig"]["right-task"].values()), above=0.8)


@pytest.mark.claim("eap-ig.circuits-are-task-specific")
def test_circuits_are_task_specific(judge, other_tables):
    scores = other_tables["eap-ig"]["cross-task"]
    other_task = {pair: v for pair, v in scores.items() if len(set(pair.split(" on "))) == 2}
    judge(Sample(list(other_task.values()), list(other_task)), below=0.2)


@pytest.mark.claim("eap-ig.related-tasks-share-more-edges")
def test_related_tasks_share_more_edges(judge, other_tables):
    shared = other_tables["eap-ig"]["edge-iou"]  # only the ends of two ranges are published
    judge(np.subtract(shared["greater-than family"], shared["unrelated tasks"]), above=0.0)
