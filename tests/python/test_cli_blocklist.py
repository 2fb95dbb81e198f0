"""The command `netcore blocklist`: lists are read, addresses checked, and the exit status says what was found."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest

from netcore.__main__ import main

LIST = "# a list\n10.0.0.0/8\n192.0.2.1 ; a comment\n\n2001:db8::/32\n203.0.113.5-203.0.113.9\n"


@pytest.fixture
def netset(tmp_path: Path) -> str:
    file = tmp_path / "some.netset"
    file.write_text(LIST)
    return str(file)


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch) -> object:
    """Puts text on standard input."""
    return lambda text: monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def blocklist(*arguments: str) -> int:
    return main(["blocklist", *arguments])


def test_each_address_is_printed_with_what_it_is(netset: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert blocklist(netset, "--check", "10.1.2.3", "8.8.8.8", "2001:db8::1", "::ffff:203.0.113.7") == 1
    assert capsys.readouterr().out.splitlines() == [
        "10.1.2.3 blocked",
        "8.8.8.8 free",
        "2001:db8::1 blocked",
        "::ffff:203.0.113.7 blocked",
    ]


def test_the_exit_status_is_0_if_nothing_was_blocked(netset: str) -> None:
    assert blocklist(netset, "--check", "8.8.8.8", "2001:db9::1") == 0


def test_what_is_no_address_is_said_and_the_others_are_checked(netset: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert blocklist(netset, "--check", "10.0.0.1", "10.0.0", "8.8.8.8") == 2
    said = capsys.readouterr()
    assert said.out.splitlines() == ["10.0.0.1 blocked", "8.8.8.8 free"]
    assert said.err == "10.0.0: not an address\n"


def test_addresses_come_from_standard_input_if_none_is_named(
    netset: str, say: object, capsys: pytest.CaptureFixture[str]
) -> None:
    say("10.9.9.9\n\n  8.8.8.8  \n")  # type: ignore[operator]
    assert blocklist(netset, "--check") == 1
    assert capsys.readouterr().out.splitlines() == ["10.9.9.9 blocked", "8.8.8.8 free"]


def test_a_list_comes_from_standard_input_as_a_dash(say: object, capsys: pytest.CaptureFixture[str]) -> None:
    say(LIST)  # type: ignore[operator]
    assert blocklist("-", "--check", "192.0.2.1") == 1
    assert capsys.readouterr().out == "192.0.2.1 blocked\n"


def test_standard_input_is_not_both_a_list_and_the_addresses(say: object, capsys: pytest.CaptureFixture[str]) -> None:
    say(LIST)  # type: ignore[operator]
    assert blocklist("-", "--check") == 2
    assert "both" in capsys.readouterr().err


def test_several_lists_are_one(netset: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "more").write_text("8.8.8.8\n")
    assert blocklist(netset, str(tmp_path / "more"), "--stats", "--check", "8.8.8.8", "10.0.0.1") == 1
    out = capsys.readouterr().out
    assert out.startswith("5 rules, read in ")
    assert "bytes (" in out
    assert out.endswith("8.8.8.8 blocked\n10.0.0.1 blocked\n")


def test_without_addresses_it_says_what_is_in_the_lists(netset: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert blocklist(netset) == 0
    assert capsys.readouterr().out.startswith("4 rules, read in ")


def test_a_wrong_line_stops_it_with_its_file_number_and_text(
    netset: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad.netset"
    bad.write_text("1.2.3.4\n# fine\n10.0.0.0/33\n")
    assert blocklist(netset, str(bad), "--check", "1.2.3.4") == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert f"{bad}:3: " in said.err
    assert "'10.0.0.0/33'" in said.err


def test_lenient_passes_over_wrong_lines_and_prints_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = tmp_path / "bad.netset"
    bad.write_text("1.2.3.4\n" + "wrong\n" * 25)
    assert blocklist(str(bad), "--lenient", "--check", "1.2.3.4") == 1
    said = capsys.readouterr()
    assert said.out == "1.2.3.4 blocked\n"
    assert said.err.splitlines()[0] == f"{bad}:2: not an address, subnet or range: 'wrong'"
    assert said.err.splitlines()[-1] == f"{bad}: 5 more wrong lines"


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert blocklist(str(tmp_path / "none")) == 2
    assert "No such file" in capsys.readouterr().err


def test_it_runs_as_a_command_between_pipes(netset: str) -> None:
    addresses = "".join(f"10.{i % 256}.0.1\n{i % 256}.255.255.255\n" for i in range(15_000))
    command = [sys.executable, "-m", "netcore", "blocklist", netset, "--check"]
    done = subprocess.run(command, input=addresses, capture_output=True, text=True, check=False, timeout=50)
    assert (done.returncode, done.stderr) == (1, "")
    answers = [line.split() for line in done.stdout.splitlines()]
    assert [address for address, _ in answers] == addresses.split()
    assert all((answer == "blocked") == address.startswith("10.") for address, answer in answers)
