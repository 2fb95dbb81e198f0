"""The command line's arguments: what they mean, and that every wrong one is one clear line and exit status 2."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from netcore.__main__ import main
from netcore.cli.endpoint import Endpoint, listening_endpoint, target_endpoint


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("0", Endpoint(None, 0)),
        ("8080", Endpoint(None, 8080)),
        ("127.0.0.1:80", Endpoint("127.0.0.1", 80)),
        ("localhost:65535", Endpoint("localhost", 65535)),
        ("a-b.example_1.:7", Endpoint("a-b.example_1.", 7)),
        ("[::1]:80", Endpoint("::1", 80)),
        ("[::ffff:1.2.3.4]:80", Endpoint("::ffff:1.2.3.4", 80)),
        ("[fe80::1%lo]:80", Endpoint("fe80::1%lo", 80)),
        ("unix:/tmp/a:b", Endpoint(path="/tmp/a:b")),
        ("unix:relative", Endpoint(path="relative")),
        ("unix:@name", Endpoint(path="\0name")),
    ],
)
def test_an_endpoint_is_read(text: str, endpoint: Endpoint) -> None:
    assert listening_endpoint(text) == endpoint


@pytest.mark.parametrize("text", ["8080", "127.0.0.1:80", "[::1]:80", "unix:/tmp/s", "unix:@name"])
def test_an_endpoint_is_shown_as_it_was_written(text: str) -> None:
    assert str(listening_endpoint(text)) == text


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is not a port"),
        ("x", "is not a port"),
        ("65536", "is not a port"),
        ("-1", "is not a port"),
        ("+80", "is not a port"),
        ("8 0", "is not a port"),
        ("\u0661", "is not a port"),
        ("9" * 5000, "is not a port"),
        ("host:", "is not a port"),
        (":80", "the host is missing"),
        ("::1:80", "is written"),
        ("::1", "written [address]:port"),
        ("[::1]", "written [address]:port"),
        ("[::1]80", "written [address]:port"),
        ("[127.0.0.1]:80", "is not an IPv6 address"),
        ("[::g]:80", "is not an IPv6 address"),
        ("1.2.3.4.5:80", "is not an IPv4 address"),
        ("01.2.3.4:80", "is not an IPv4 address"),
        ("127.1:80", "is not an IPv4 address"),
        ("0x7f.1:80", "is not an IPv4 address"),
        ("a b:80", "is not the name of a host"),
        ("a/b:80", "is not the name of a host"),
        ("a\0b:80", "is not the name of a host"),
        ("unix:", "the path is missing"),
        ("unix:@", "the path is missing"),
        ("unix:/a\0b", "NUL"),
        ("unix:/" + "a" * 107, "107 bytes at most"),
    ],
)
def test_a_wrong_endpoint_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=r"(?s).+") as refused:
        listening_endpoint(text)
    assert why.replace("is written", "are written") in str(refused.value)


def test_port_0_is_good_for_listening_only() -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="from 1 to 65535"):
        target_endpoint("127.0.0.1:0")


WRONG = [
    [],
    ["unknown"],
    ["--unknown"],
    ["proxy"],
    ["proxy", "0"],
    ["proxy", "0", "x"],
    ["proxy", "::1:1", "1"],
    ["proxy", "0", "1", "--workers", "0"],
    ["proxy", "0", "1", "--workers", "two"],
    ["proxy", "0", "1", "--workers"],
    ["proxy", "0", "1", "--max-connections", "0"],
    ["proxy", "0", "1", "--max-connections", "-1"],
    ["proxy", "0", "1", "--connect-timeout", "-1"],
    ["proxy", "0", "1", "--connect-timeout", "nan"],
    ["proxy", "0", "1", "--idle-timeout", "inf"],
    ["proxy", "0", "1", "--idle-timeout", "1s"],
    ["proxy", "0", "1", "--grace", "soon"],
    ["proxy", "0", "1", "--stats", "0"],
    ["proxy", "0", "1", "--stats", "-5"],
    ["proxy", "0", "1", "--json"],
    ["proxy", "0", "1", "--block"],
    ["proxy", "0", "1", "--block", "/nowhere/list.txt"],
    ["proxy", "0", "1", "--unknown"],
    ["proxy", "0", "1\n2"],
    ["echo"],
    ["echo", "x"],
    ["echo", "1", "2"],
    ["connect"],
    ["connect", "0"],
    ["connect", "[::1]"],
    ["connect", "1", "--connect-timeout", "x"],
    ["bench", "--size", "0"],
    ["blocklist"],
    ["blocklist", "--unknown"],
]


@pytest.mark.parametrize("arguments", WRONG, ids=" ".join)
def test_a_wrong_argument_is_one_line_and_status_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    out, err = capsys.readouterr()
    assert stopped.value.code == 2
    assert out == ""
    assert err.startswith("netcore")
    assert err.count("\n") == 1
    assert err.endswith("\n")


def test_a_bad_line_of_a_block_list_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "list.txt"
    path.write_text("10.0.0.0/8\n# fine\nnot an address\n")
    with pytest.raises(SystemExit) as stopped:
        main(["proxy", "0", "1", "--block", str(path)])
    err = capsys.readouterr().err
    assert stopped.value.code == 2
    assert err.count("\n") == 1
    assert str(path) in err
    assert "3" in err
    assert "not an address" in err


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--help"])
    assert stopped.value.code == 0
    out = capsys.readouterr().out
    for command in ("proxy", "echo", "connect", "bench", "blocklist"):
        assert command in out
