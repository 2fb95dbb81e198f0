"""Loads the compiled modules of netcore out of their one native image.

The order of `LAYERS` is the order of dependency: a module may `cimport` from those before it only. Loading out of
order fails with an ImportError, so this tuple is also what keeps the arrows pointing down.
"""

import sys
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

LAYERS = (
    "errors",
    "encoding",
    "address",
    "blocklist",
    "promise",
    "listener",
    "emitter",
    "_native",
)


def _image() -> str:
    here = Path(__file__).parent
    for suffix in EXTENSION_SUFFIXES:
        candidate = here / f"_native{suffix}"
        if candidate.exists():
            return str(candidate)
    raise ImportError(f"netcore has no compiled core for this interpreter and platform ({sys.version.split()[0]}, {sys.platform})")


def _load() -> None:
    image = _image()
    for layer in LAYERS:
        name = f"{__name__}.{layer}"
        spec = spec_from_file_location(name, image, loader=ExtensionFileLoader(name, image))
        assert spec is not None
        assert spec.loader is not None
        module = module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
        setattr(sys.modules[__name__], layer, module)


_load()
