"""What the documents say: every example is run, every command, option, target and file that is named is there."""

import ast
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from ports import free_port

ROOT = Path(__file__).parents[2]
DOCUMENTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "bench/README.md", ROOT / "tests/node/README.md"]
README = (ROOT / "README.md").read_text()


def blocks(name: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", (ROOT / name).read_text(), re.M | re.S)


def connected(port: int) -> socket.socket:
    """A connection to a program that has just been started."""
    for _ in range(300):
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=30)
        except ConnectionRefusedError:
            threading.Event().wait(0.05)
    raise AssertionError("the program does not listen")


@contextmanager
def running(program: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen([sys.executable, "-u", "-c", program], stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.send_signal(signal.SIGINT)


def answer_to(port: int, question: bytes) -> bytes:
    with connected(port) as client:
        client.sendall(question)
        client.shutdown(socket.SHUT_WR)
        answer = b""
        while chunk := client.recv(65536):
            answer += chunk
    return answer


# --- README -----------------------------------------------------------------------------------------------------------


def test_the_first_example_echoes() -> None:
    port = free_port()
    program = blocks("README.md", "python")[0]
    assert "8124" in program
    with running(program.replace("8124", str(port))) as process:
        assert answer_to(port, b"hello") == b"hello"
        assert process.stdout is not None
        assert process.stdout.readline().startswith("listening on {'address': '")


def test_the_proxy_of_ten_lines_passes_everything_on() -> None:
    upstream, port = free_port(), free_port()
    program = blocks("README.md", "python")[1].replace("6379", str(upstream)).replace("7000", str(port))
    with socket.create_server(("127.0.0.1", upstream)) as listener, running(program):

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                while chunk := connection.recv(65536):
                    connection.sendall(chunk.upper())

        thread = threading.Thread(target=serve)
        thread.start()
        assert answer_to(port, b"hello" * 10_000) == b"HELLO" * 10_000
        thread.join(30)


def usage(command: str) -> str:
    environment = os.environ | {"COLUMNS": "200"}
    return subprocess.check_output([sys.executable, "-m", "netcore", command, "--help"], text=True, env=environment)


def test_the_table_of_options_is_what_the_proxy_has() -> None:
    of_table = set(
        re.findall(r"--[a-z][a-z-]+", README[README.index("| option of `proxy`") : README.index("An upstream that")])
    )
    assert of_table == set(re.findall(r"--[a-z][a-z-]+", usage("proxy"))) - {"--help"}


def test_the_table_of_platforms_is_that_of_their_document() -> None:
    table = re.findall(r"^\| .*\n(?:\|.*\n)+", (ROOT / "docs/platforms.md").read_text(), re.M)[0]
    assert f"<!-- platforms:begin -->\n{table}<!-- platforms:end -->\n" in README


@pytest.mark.parametrize("command", ["proxy", "echo", "connect", "bench", "blocklist"])
def test_every_command_is_in_the_readme(command: str) -> None:
    assert f"| `netcore {command}" in README
    assert usage(command).startswith(f"usage: netcore {command}")


# --- the other documents ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", range(len(blocks("docs/coming-from.md", "python"))))
def test_the_examples_for_newcomers_run(number: int) -> None:
    program = blocks("docs/coming-from.md", "python")[number]
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=50)
    assert done.stderr == ""
    assert done.stdout in ("b'welcome\\n'\n", "hello\n")


def stated_values(program: str) -> Iterator[tuple[str, object]]:
    """The expressions of a program that have a comment which begins with their value."""
    for line in program.splitlines():
        expression, mark, comment = line.partition("  # ")
        try:
            value = ast.literal_eval(comment.partition(":")[0])
        except (SyntaxError, ValueError):
            continue
        if mark:
            yield expression, value


def test_the_examples_of_block_lists_answer_what_they_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "firehol_level1.netset").write_text("# a list\n192.0.2.0/24\n")
    monkeypatch.chdir(tmp_path)
    packed = bytes([10, 1, 2, 3, *[0] * 12])
    names: dict[str, object] = {"packed": packed, "array": memoryview(packed).cast("B", (4, 4))}
    stated = []
    for program in blocks("docs/blocklist.md", "python"):
        exec(program, names)
        stated += [(expression, eval(expression, names), value) for expression, value in stated_values(program)]
    assert len(stated) == 3
    assert [(expression, value) for expression, _, value in stated] == [(text, value) for text, value, _ in stated]


def squeezed(text: str) -> str:
    return "\n".join(line.strip() for line in text.splitlines() if line.strip())


def test_what_is_shown_of_c_and_cython_is_part_of_what_is_tested() -> None:
    programs = [*ROOT.glob("examples/embed/*.c"), ROOT / "tests/embed/user.pyx"]
    sources = [squeezed(program.read_text()) for program in programs]
    for block in blocks("docs/embedding.md", "c") + blocks("docs/embedding.md", "cython"):
        parts = [squeezed(part) for part in block.split("\n\n")]
        assert any(all(part in source for part in parts) for source in sources), block


# --- names ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_that_a_document_links_to_are_there(document: Path) -> None:
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text())
    assert [target for target in targets if not (document.parent / target).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_targets_of_make_that_a_document_names_are_there(document: Path) -> None:
    makefile = (ROOT / "Makefile").read_text()
    named = set(re.findall(r"(?:^ {4}|`)make ([a-z][a-z-]+)", document.read_text(), re.M))
    assert {name for name in named if not re.search(rf"^{name}:", makefile, re.M)} == set()


def test_every_document_is_found_from_the_readme() -> None:
    for document in ROOT.glob("docs/*.md"):
        assert f"docs/{document.name}" in README, document.name
