"""How many descriptors a process may have."""

from __future__ import annotations


def raise_descriptor_limit() -> None:
    """Takes as many descriptors as the system lets this process have, as every connection of a proxy needs two."""
    try:
        import resource
    except ImportError:  # Windows has no such limit.
        return
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
