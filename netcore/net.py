"""The same names as the package itself, so that `from netcore import net` reads as in Node."""

from netcore import *  # noqa: F403
from netcore import __all__ as __all__
