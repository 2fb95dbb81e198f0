"""What all tests share."""

import signal

from hypothesis import HealthCheck, settings

# How long an example takes is a matter of what else the machine does.
settings.register_profile("netcore", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("netcore")

# A shell's job in the background ignores SIGINT, and so would every program that a test starts from there: only what is
# caught goes back to its default in a new program.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
