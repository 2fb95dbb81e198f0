"""The core over its simulated port, as a module of cffi."""

import importlib.util
from types import ModuleType

import pytest
import simulation


@pytest.fixture(scope="session")
def sim(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    simulation.BUILD = tmp_path_factory.mktemp("sim")
    spec = importlib.util.spec_from_file_location("_sim", simulation.build_module())
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
