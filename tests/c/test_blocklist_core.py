"""The block list's core by itself: against its brute-force oracle, and with threads; plain and under sanitizers. The readers
of addresses against each other."""

import subprocess

import pytest

import build

ORACLE_SEEDS = range(1, 7)


def run(name: str, sanitize: str, *arguments: object) -> None:
    command = [build.program(name, sanitize), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=55)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("seed", ORACLE_SEEDS)
def test_agrees_with_an_oracle_that_looks_at_every_rule(seed: int) -> None:
    run("blocklist_oracle", build.PLAIN, seed, 10)


def test_agrees_with_the_oracle_under_the_address_sanitizer() -> None:
    run("blocklist_oracle", build.ADDRESSES, 99, 4)


@pytest.mark.parametrize("sanitize", [build.PLAIN, build.ADDRESSES], ids=["plain", "address"])
def test_what_reads_a_text_as_a_whole_agrees_with_what_reads_its_characters(sanitize: str) -> None:
    run("address_readers", sanitize, 7, 3_000_000 if sanitize == build.PLAIN else 300_000)


def test_four_times_the_rules_are_not_sixteen_times_the_work() -> None:
    run("blocklist_work", build.PLAIN)


@pytest.mark.parametrize("sanitize", [build.PLAIN, build.THREADS], ids=["plain", "thread"])
def test_readers_see_every_change_whole_while_a_writer_works(sanitize: str) -> None:
    run("blocklist_threads", sanitize, 1500 if sanitize == build.PLAIN else 150)
