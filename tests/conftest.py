"""What tests in several folders need."""

import os
import signal

import pytest

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell's job in the background is deaf to Ctrl-C, and so would be every session that a test starts to interrupt it.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="module")
def environment_put_back():
    """Builds set the environment of their process; other tests here start processes of their own."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)
