"""What tests in several folders need."""

import os

import pytest


@pytest.fixture(scope="module")
def environment_put_back():
    """Builds set the environment of their process; other tests here start processes of their own."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)
