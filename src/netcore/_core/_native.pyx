"""The module whose name the native image bears; the C interface for embedders lives here."""
