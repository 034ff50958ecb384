"""LLM interpretability prototyping: how often does ablating a specialist latent matter?"""

import pytest

from mi.claimable import proportion


@pytest.mark.claim("prototyping.specialists-matter")
def test_specialists_matter(judge, other_tables, subject):
    judge(proportion(**other_tables["prototyping"][f"ablations-{subject}"]), above=0.05)


@pytest.mark.claim("prototyping.most-specialists-matter")
def test_most_specialists_matter(judge, other_tables, subject):
    judge(proportion(**other_tables["prototyping"][f"ablations-{subject}"]), above=0.5)


@pytest.mark.claim("prototyping.behaviour-by-binary-accuracy")
def test_behaviour_by_binary_accuracy(judge, other_tables):
    judge(proportion(**other_tables["prototyping"]["binary-accuracy"]), above=0.05)
