"""What all tests share."""

import signal

# A shell's job in the background ignores SIGINT, and so would every program that a test starts from there: only what is
# caught goes back to its default in a new program.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
