"""Everything that users are given says what it is, and the page that is made of it is current."""

import inspect
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import netcore
import netcore.options

ROOT = Path(__file__).parents[2]
MODULES = [netcore, netcore.options, netcore.aio, netcore.headers]


def public_names() -> Iterator[tuple[str, object, str]]:
    """Each public name with what it stands for, and the docstring of the class that it is a member of."""
    for name in netcore.__all__:
        found = getattr(netcore, name)
        yield name, found, ""
        if isinstance(found, type):
            for cls in found.__mro__:
                if cls.__module__.startswith("netcore"):
                    for member, value in vars(cls).items():
                        if not member.startswith("_"):
                            yield f"{name}.{member}", value, cls.__doc__ or ""


def is_said(name: str, found: object, of_class: str) -> bool:
    """A function, class or property has a docstring; plain data is explained by its class."""
    member = name.rpartition(".")[2]
    has_own = callable(found) or isinstance(found, property | staticmethod | classmethod)
    text = (getattr(found, "__doc__", None) or "") if has_own or inspect.isgetsetdescriptor(found) else ""
    return bool(text.rpartition("--\n\n")[2].strip()) or (not has_own and f"`{member}`" in of_class.replace("`.", "`"))


def test_every_public_name_is_explained() -> None:
    silent = {name for name, found, of_class in public_names() if not is_said(name, found, of_class)}
    assert silent == set()


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_every_module_is_explained(module: object) -> None:
    assert module.__doc__


def test_the_reference_is_up_to_date() -> None:
    command = [sys.executable, str(ROOT / "tools" / "reference.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=50)
    assert done.returncode == 0, done.stdout + done.stderr
