"""The signals by which a server is told to end."""

from __future__ import annotations

import signal

# Ctrl-Break is Windows' own, and the only one that another program can send there.
STOP_SIGNALS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGINT", "SIGBREAK") if hasattr(signal, name))
