"""Portability: do numbers depend on the device that they are measured on?"""

import pytest

from mi.claimable import mean


@pytest.mark.claim("portability.losses-do-not-depend-on-the-device")
def test_losses_do_not_depend_on_the_device(judge, lab):
    judge(mean(lab.portability().sample("loss_gap")), below=0.001)


@pytest.mark.claim("portability.reconstruction-does-not-depend-on-the-device")
def test_reconstruction_does_not_depend_on_the_device(judge, lab, coder):
    judge(lab.portability(coder).difference("sse", "sse_reference", per="sst"), within=0.001)
