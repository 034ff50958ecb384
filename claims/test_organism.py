"""The embedded model: what it can do, what it cannot, and the loss that its world allows."""

import pytest

from mi.claimable import mean


@pytest.mark.claim("organism.can")
def test_can(judge, lab, task):
    judge(mean(lab.task(task).sample("correct")), above=0.95)


@pytest.mark.claim("organism.cannot-bind")
def test_cannot_bind(judge, lab):
    judge(mean(lab.task("binding").sample("correct", less=0.5)), within=0.1)


@pytest.mark.claim("organism.arithmetic-has-a-ceiling")
def test_arithmetic_has_a_ceiling(judge, lab):
    judge(mean(lab.task("arithmetic_2d+1d").sample("correct")), above=0.9)


@pytest.mark.claim("organism.arithmetic-has-a-middle")
def test_arithmetic_has_a_middle(judge, lab):
    judge(mean(lab.task("arithmetic_3d+3d_rough").sample("correct", less=0.5)), within=0.4)


@pytest.mark.claim("organism.arithmetic-has-a-floor")
def test_arithmetic_has_a_floor(judge, lab):
    judge(mean(lab.task("arithmetic_2dx2d").sample("correct")), below=0.05)


@pytest.mark.claim("organism.beats-trigrams")
def test_beats_trigrams(judge, lab):
    judge(lab.losses().difference("trigram", "model", per="tokens"), above=0.5)


@pytest.mark.claim("organism.close-to-the-entropy-of-its-world")
def test_close_to_the_entropy_of_its_world(judge, lab):
    judge(lab.losses().difference("model", "world_whole", per="tokens"), within=0.2)


@pytest.mark.claim("organism.randomised-copy-cannot")
def test_randomised_copy_cannot(judge, lab, scheme):
    judge(mean(lab.randomised(scheme).task("fact").sample("correct")), below=0.25)
