"""An argument parser whose complaints are one line, and the kinds of value that the commands take."""

from __future__ import annotations

import argparse
import math
from typing import NoReturn


class Parser(argparse.ArgumentParser):
    """argparse's parser; a wrong argument is one line on standard error, without the usage, and exit status 2."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {' '.join(message.split())}\n")


def count(text: str) -> int:
    """A whole number from 1 on."""
    if not (text.isascii() and text.isdecimal()) or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 on")
    return int(text)


def seconds(text: str) -> float:
    """A number of seconds, 0 included, that a timer can wait."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 1_000_000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds from 0 to 1000000")
    return value


def period(text: str) -> float:
    """A number of seconds of at least a hundredth."""
    value = seconds(text)
    if value < 0.01:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds from 0.01 on")
    return value


def milliseconds(value: float) -> int:
    """Seconds as the timers of netcore take them; a time that is not nothing does not become nothing."""
    return math.ceil(value * 1000)
