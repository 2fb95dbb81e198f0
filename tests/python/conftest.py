"""What the Python tests share."""

import pytest

import netcore as net


@pytest.fixture(autouse=True)
def _a_fresh_loop():
    """Each test begins with a loop that nothing is on, whatever the one before it has left."""
    yield
    if not net.get_loop().running:
        net.get_loop().close()
