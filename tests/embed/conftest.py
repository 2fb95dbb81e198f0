"""The package as it is installed, without the minute that a wheel takes: its files, and the image that is built already,
without its names, as a wheel has it."""

import subprocess
import sys
from pathlib import Path

import pytest

import netcore

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for PYTHONPATH that holds what a wheel does."""
    folder = tmp_path_factory.mktemp("installed")
    command = [sys.executable, "setup.py", "--quiet", "build_py", "--build-lib", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for image in Path(netcore.__file__).parent.glob("_core/_native*.so"):
        subprocess.run(["strip", "-o", folder / "netcore/_core" / image.name, image], check=True)
    return folder
