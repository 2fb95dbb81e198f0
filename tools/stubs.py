"""Completes the stubs of the compiled modules with what can be made, and need not be written by hand.

    python tools/stubs.py            writes it
    python tools/stubs.py --check    names the stubs that are not up to date, and fails if there are any

Those are the docstrings, copied from the modules because editors look for them in the stubs, and the overloads of the
methods that add a listener, which are those of `on`. A name that begins with an underscore has no docstring in a stub,
nor has what stands below "# What the module is made of".
"""

import ast
import inspect
import re
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

STUBS = Path(__file__).parents[1] / "netcore" / "_core"
INNER = "# What the module is made of"
LIKE_ON = re.compile(r"(    # From here on made from `on` by tools/stubs.py.\n).*?(    # To here.\n)", re.S)
ADDERS = ("addListener", "once", "prependListener", "prependOnceListener")
Documented = ast.FunctionDef | ast.ClassDef


def documented(body: list[ast.stmt], owner: object) -> Iterator[tuple[Documented, object]]:
    """The public functions and classes of a stub, each name once, with what they are at run time."""
    seen: set[str] = set()
    for node in body:
        if not isinstance(node, Documented) or node.name.startswith("_") or node.name in seen:
            continue
        seen.add(node.name)
        found = inspect.getattr_static(owner, node.name)
        yield node, found
        if isinstance(node, ast.ClassDef):
            yield from documented(node.body, found)


def docstring(found: object) -> str:
    """What an object says of itself, without the signature that builtins begin with."""
    text = found.__doc__ or ""
    return inspect.cleandoc(text.rpartition("--\n\n")[2])


def lines_of(text: str, indent: str) -> list[str]:
    """`text` as a docstring."""
    first, *rest = text.splitlines()
    quoted = [f'{indent}"""{first}', *(f"{indent}{line}".rstrip() for line in rest)]
    if rest and "" in rest:
        return [*quoted, f'{indent}"""']
    return [*quoted[:-1], f'{quoted[-1]}"""']


def with_docstring(lines: list[str], node: Documented, text: str) -> list[str]:
    """The lines of a stub with `text` as the docstring of `node`."""
    first = node.body[0]
    new = lines_of(text, " " * (node.col_offset + 4))
    if ast.get_docstring(node) is not None:
        return lines[: first.lineno - 1] + new + lines[first.end_lineno :]
    if isinstance(first, ast.Expr):  # only `...`, on the line of the head
        line = lines[first.lineno - 1]
        head = line[: first.col_offset].rstrip() + line[first.end_col_offset :]
        return [*lines[: first.lineno - 1], head, *new, *lines[first.end_lineno :]]
    start = min([first.lineno, *(decorator.lineno for decorator in getattr(first, "decorator_list", ()))]) - 1
    return lines[:start] + new + lines[start:]


def with_adders(source: str) -> str:
    """The text of a stub in which every method that adds a listener has the overloads of `on`."""
    place = LIKE_ON.search(source)
    if place is None:
        return source
    first = source.index("    @overload  # type: ignore[override]\n    def on(")
    block = source[first : place.start()]
    made = "".join(block.replace("def on(", f"def {name}(") for name in ADDERS)
    return LIKE_ON.sub(lambda found: found[1] + made + found[2], source)


def updated(stub: Path) -> str:
    """The text of a stub as it should be."""
    source = with_adders(stub.read_text())
    lines = source.splitlines()
    end = lines.index(next((line for line in lines if line.startswith(INNER)), lines[-1])) + 1
    module = import_module(f"netcore._core.{stub.stem}")
    nodes = [pair for pair in documented(ast.parse(source).body, module) if pair[0].lineno < end]
    for node, found in sorted(nodes, key=lambda pair: -pair[0].lineno):
        text = docstring(found)
        if text and text != ast.get_docstring(node):
            lines = with_docstring(lines, node, text)
    return "\n".join(lines) + "\n"


def meaning(source: str) -> str:
    """What is left of a text when its layout does not count."""
    return ast.dump(ast.parse(source))


def main() -> int:
    stale = [stub for stub in sorted(STUBS.glob("*.pyi")) if meaning(updated(stub)) != meaning(stub.read_text())]
    if "--check" in sys.argv:
        for stub in stale:
            print(f"{stub.name}: not up to date; run tools/stubs.py")
        return bool(stale)
    for stub in stale:
        stub.write_text(updated(stub))
    return 0


if __name__ == "__main__":
    sys.exit(main())
