"""What the Python tests share."""

import sys

import pytest
from platforms import is_for

import netcore as net


def pytest_collection_modifyitems(config, items):
    foreign = [item for item in items if not is_for(item, sys.platform)]
    if foreign:
        config.hook.pytest_deselected(items=foreign)
        items[:] = [item for item in items if is_for(item, sys.platform)]


@pytest.fixture(autouse=True)
def _a_fresh_loop():
    """Each test begins with a loop that nothing is on, whatever the one before it has left."""
    yield
    if not net.get_loop().running:
        net.get_loop().close()
