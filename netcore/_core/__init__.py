"""Loads the compiled modules of netcore out of their one native image.

The order of `LAYERS` is the order of dependency: a module may `cimport` from those before it only. Loading out of
order fails with an ImportError, so this tuple is also what keeps the arrows pointing down.
"""

import sys
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader, ModuleSpec
from os.path import dirname, exists, join

LAYERS = (
    "errors",
    "encoding",
    "address",
    "blocklist",
    "promise",
    "listener",
    "emitter",
    "abort",
    "buffers",
    "loop",
    "timers",
    "lookup",
    "task",
    "aborting",
    "arguments",
    "hosts",
    "stream",
    "readable",
    "duplex",
    "iteration",
    "dialer",
    "pipe",
    "onread",
    "bound",
    "socket",
    "server",
    "_native",
)


def _image() -> str:
    here = dirname(__file__)
    for suffix in EXTENSION_SUFFIXES:
        candidate = join(here, f"_native{suffix}")
        if exists(candidate):
            return candidate
    from glob import glob

    there = [name for name in sorted(glob("_native.*", root_dir=here)) if not name.endswith(".pyi")]
    raise ImportError(
        f"netcore has no compiled core for {sys.implementation.name} {sys.version.split()[0]} on {sys.platform}: "
        f"it would be _native{EXTENSION_SUFFIXES[0] if EXTENSION_SUFFIXES else ''}, and there is {', '.join(there) or 'none'}"
    )


def _load() -> None:
    """By hand, because `importlib.util` and `pathlib` cost more to import than all of netcore. Cython's modules set
    their attributes themselves, all but `__spec__`."""
    image = _image()
    for layer in LAYERS:
        name = f"{__name__}.{layer}"
        loader = ExtensionFileLoader(name, image)
        spec = ModuleSpec(name, loader, origin=image)
        module = loader.create_module(spec)
        module.__spec__ = spec
        sys.modules[name] = module
        loader.exec_module(module)
        setattr(sys.modules[__name__], layer, module)


_load()
