"""What the tests know of the systems they run on.

A fact of one system is tested on that system, and what others have in its place is tested there: `only_on` and `not_on`
leave a test out of the run.
"""

from __future__ import annotations

import itertools
import os
import sys
from pathlib import Path

import pytest

WINDOWS = sys.platform == "win32"
UNDER_WINE = False
if WINDOWS:
    import ctypes  # which an interpreter elsewhere may have been built without

    UNDER_WINE = hasattr(ctypes.CDLL("ntdll"), "wine_get_version")

# Wine asks a socket for its error as soon as it is reset, and the call that comes later finds none: it sees an end.
RESETS_MAY_BE_LOST = UNDER_WINE

only_on = pytest.mark.only_on
not_on = pytest.mark.not_on

_numbers = itertools.count()


def is_for(item: pytest.Item, platform: str) -> bool:
    """Whether a test is about `platform`."""
    wanted = [name for mark in item.iter_markers("only_on") for name in mark.args]
    unwanted = [name for mark in item.iter_markers("not_on") for name in mark.args]
    return (not wanted or platform in wanted) and platform not in unwanted


def local_path(folder: Path, name: str) -> str:
    """A fresh path to listen on: of a file that is not there yet, or of a pipe."""
    if WINDOWS:
        return rf"\\.\pipe\netcore-test-{os.getpid()}-{next(_numbers)}-{name}"
    return str(folder / name)
