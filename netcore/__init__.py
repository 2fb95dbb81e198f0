"""Node's `net` for Python, on its own C reactor."""
