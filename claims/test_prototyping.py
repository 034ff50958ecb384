"""LLM interpretability prototyping: how often does ablating a specialist latent matter?"""

import pytest

from mi.claimable import clustered_mean


def by_specialist(other_tables, subject):
    """Significant or not per ablation, grouped by specialist; which is which is not published, and too few anyway."""
    table = other_tables["prototyping"]
    count = table[f"ablations-{subject}"]
    significant = [1] * count["successes"] + [0] * (count["n"] - count["successes"])
    return clustered_mean(significant, [i % table["specialists"] for i in range(count["n"])])


@pytest.mark.claim("prototyping.specialists-matter")
def test_specialists_matter(judge, other_tables, subject):
    judge(by_specialist(other_tables, subject), above=0.05)


@pytest.mark.claim("prototyping.most-specialists-matter")
def test_most_specialists_matter(judge, other_tables, subject):
    judge(by_specialist(other_tables, subject), above=0.5)


@pytest.mark.claim("prototyping.behaviour-by-binary-accuracy")
def test_behaviour_by_binary_accuracy(judge, counted):
    judge(counted("prototyping", "binary-accuracy"), above=0.05)
