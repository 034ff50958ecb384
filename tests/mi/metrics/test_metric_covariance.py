"""Streamed covariance."""

import numpy as np
import torch

from mi.metrics.covariance import Covariance


def test_it_is_numpys_whatever_the_batches():
    x = torch.from_numpy(np.random.default_rng(0).normal(size=(300, 5)) @ np.diag([1, 2, 3, 4, 5.0]) + 1000)
    for size in (1, 7, 300):
        covariance = Covariance(5)
        for batch in x.split(size):
            covariance.add(batch)
        np.testing.assert_allclose(covariance.value, np.cov(x.T, bias=True), rtol=1e-9)
