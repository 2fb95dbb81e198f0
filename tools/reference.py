"""Makes docs/reference.md out of the stubs (signatures) and the docstrings (all else).

python tools/reference.py            writes it
python tools/reference.py --check    fails if it is not up to date
"""

import ast
import inspect
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import netcore

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "reference.md"
Function = ast.FunctionDef | ast.AsyncFunctionDef

CHAPTERS = {
    "Connections": ["connect", "createConnection", "Socket", "Stream", "lookup"],
    "Servers": ["createServer", "Server", "BoundSocket"],
    "Addresses": ["isIP", "isIPv4", "isIPv6", "SocketAddress", "BlockList"],
    "Address racing": [
        "getDefaultAutoSelectFamily",
        "setDefaultAutoSelectFamily",
        "getDefaultAutoSelectFamilyAttemptTimeout",
        "setDefaultAutoSelectFamilyAttemptTimeout",
    ],
    "Events": ["EventEmitter", "once"],
    "Abort signals": ["AbortController", "AbortSignal"],
    "The loop": ["run", "get_loop", "Loop", "sleep", "nextTick", "setImmediate", "clearImmediate", "Immediate"],
    "Timers": ["setTimeout", "setInterval", "clearTimeout", "clearInterval", "Timeout"],
    "Errors": ["CodedError", "AggregateError", "AbortError"],
    "Embedding": ["get_include"],
}
INTRODUCTION = """# Reference

Made by `tools/reference.py` from the stubs and the docstrings. What happens when, in which order and with which errors is
Node's `net`, version 26; where this page is silent, Node's own documentation applies. What Node does not have is said to be
"not in Node". Options are listed at the end.
"""


def stub_of(name: str) -> ast.Module:
    """The syntax tree of the stub, or else the source, of a module."""
    base = ROOT / name.replace(".", "/")
    stub = base.with_suffix(".pyi")
    return ast.parse((stub if stub.exists() else base.with_suffix(".py")).read_text())


def definitions(body: list[ast.stmt]) -> dict[str, list[ast.stmt]]:
    """What the public names of a body stand for: the overloads of a function, a class, a variable."""
    found: dict[str, list[ast.stmt]] = {}
    for node in body:
        if isinstance(node, Function | ast.ClassDef):
            name = node.name
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            name = node.target.id
        else:
            continue
        if not name.startswith("_") and not is_setter(node):
            found.setdefault(name, []).append(node)
    return found


def is_setter(node: ast.stmt) -> bool:
    return any(ast.unparse(decorator).endswith(".setter") for decorator in getattr(node, "decorator_list", ()))


def is_property(node: ast.stmt) -> bool:
    return any(ast.unparse(decorator) == "property" for decorator in getattr(node, "decorator_list", ()))


# The stubs' short forms, written out.
SPELLED_OUT: list[tuple[str, str | Callable[[re.Match[str]], str]]] = [
    (r"Unpack\[(\w+)\]", r"\1"),
    (r"_Takes0", "Callable[[], object]"),
    (r"_Takes[13]\[(.*?)\](?= \||,|\)|$)", r"Callable[[\1], object]"),
    (r"_Plain", "'connect' | 'ready' | 'drain' | 'end'..."),
    (r"Literal\[([^\]]*)\]", lambda found: found[1].replace(", ", " | ")),
    (r"_F\b", "Callable"),
    (r"_T\b", "T"),
    (r"_Ts\b", "Ts"),
    (r"_(?=[A-Z])", ""),
]


def spelled_out(text: str) -> str:
    for pattern, replacement in SPELLED_OUT:
        text = re.sub(pattern, replacement, text)
    return text


def signature(node: Function, prefix: str) -> str:
    """How a function is called, without `self`."""
    arguments = ast.unparse(node.args)
    arguments = re.sub(r"^(self|cls)(, /)?(, |$)", "", arguments).replace("=", " = ")
    returns = f" -> {ast.unparse(node.returns)}" if node.returns is not None else ""
    return spelled_out(f"{prefix}({arguments}){returns}")


def text_of(found: object) -> str:
    return inspect.cleandoc((found.__doc__ or "").rpartition("--\n\n")[2])


def function_lines(name: str, nodes: list[ast.stmt], found: object, prefix: str, level: str) -> Iterator[str]:
    """A heading, the ways to call it, and what it does."""
    yield f"{level} `{name}`\n"
    calls = [signature(node, prefix + name) for node in nodes if isinstance(node, Function)]
    yield "```python\n" + "\n".join(calls) + "\n```\n"
    yield text_of(found) + "\n"


def bases_of(cls: type) -> list[type]:
    """A class with those of its bases that have no entry of their own, nearest first."""
    public = {getattr(netcore, name) for name in netcore.__all__}
    return [
        base for base in cls.__mro__ if base is cls or (base not in public and base.__module__.startswith("netcore"))
    ]


def members(cls: type) -> Iterator[tuple[str, list[ast.stmt], object]]:
    seen: set[str] = set()
    for base in bases_of(cls):
        tree = stub_of(base.__module__ if base.__module__ != "netcore" else "netcore._core.errors")
        node = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == base.__name__)
        for name, nodes in definitions(node.body).items():
            if name not in seen and (base is not netcore.Socket or name not in vars(netcore.EventEmitter)):
                seen.add(name)
                yield name, nodes, inspect.getattr_static(base, name, None)


SPECIAL = {
    "__aiter__": "async for",
    "__aenter__": "async with",
    "__aexit__": "the end of async with",
}


def special_lines(cls: type) -> Iterator[str]:
    """What the statements and operators of the language do with an object of a class."""
    for name, shown in SPECIAL.items():
        said = " ".join(text_of(getattr(cls, name, None)).split())
        if said and vars(cls).get(name) is not None:
            yield f"- `{shown}`: {said}"


def class_lines(name: str, cls: type) -> Iterator[str]:
    yield f"### class `{name}`\n"
    emitter = issubclass(cls, netcore.EventEmitter) and cls is not netcore.EventEmitter
    yield text_of(cls) + "\n"
    if emitter:
        yield "It is an [`EventEmitter`](#class-eventemitter).\n"
    everything = [entry for entry in members(cls) if not (emitter and entry[0] in vars(netcore.EventEmitter))]
    properties = [entry for entry in everything if not isinstance(entry[1][0], Function) or is_property(entry[1][0])]
    if properties:
        yield "| property | type | |\n|---|---|---|"
        for member, nodes, found in properties:
            yield property_line(member, nodes[0], found)
        yield ""
    special = list(special_lines(cls))
    if special:
        yield "\n".join(special) + "\n"
    for member, nodes, found in everything:
        if isinstance(nodes[0], Function) and not is_property(nodes[0]):
            yield from function_lines(member, nodes, found, name[0].lower() + name[1:] + ".", "####")


def property_line(name: str, node: ast.stmt, found: object) -> str:
    kind = node.returns if isinstance(node, Function) else node.annotation if isinstance(node, ast.AnnAssign) else None
    shown = spelled_out(ast.unparse(kind)) if kind is not None else ""
    said = " ".join(text_of(found).split()) if isinstance(node, Function) else ""
    return f"| `{name}` | `{shown.replace('|', chr(92) + '|')}` | {said} |"


def entry_lines(name: str) -> Iterator[str]:
    found = getattr(netcore, name)
    if name in ("Stream", "createConnection"):
        yield f"### `{name}`\n\nAnother name of `{'Socket' if name == 'Stream' else 'connect'}`.\n"
    elif isinstance(found, type):
        yield from class_lines(name, found)
    else:
        module = found.__module__
        yield from function_lines(name, definitions(stub_of(module).body)[name], found, "net.", "###")


def option_lines() -> Iterator[str]:
    """The types of `netcore.options`, as tables."""
    yield "## Options\n"
    yield "The types of `netcore.options`, for annotations. Options are a mapping, or keywords; `None` stands for none.\n"
    tree = stub_of("netcore.options")
    for node in tree.body:
        if not isinstance(node, ast.ClassDef):
            continue
        above = [base.id for base in node.bases if isinstance(base, ast.Name) and base.id != "TypedDict"]
        yield f"### `{node.name}`\n"
        inherited = f" With those of {' and '.join(f'`{name}`' for name in above)}." if above else ""
        yield f"{ast.get_docstring(node)}{inherited}\n"
        fields = [field for field in node.body if isinstance(field, ast.AnnAssign)]
        if fields:
            yield "\n".join(f"- `{ast.unparse(field.target)}`: `{option_type(field)}`" for field in fields) + "\n"


def option_type(field: ast.AnnAssign) -> str:
    return spelled_out(ast.unparse(field.annotation)).removesuffix(" | None")


def page() -> str:
    lines = [INTRODUCTION]
    for chapter, names in CHAPTERS.items():
        lines.append(f"## {chapter}\n")
        for name in names:
            lines.extend(entry_lines(name))
    lines.extend(option_lines())
    return "\n".join(lines).rstrip() + "\n"


def main() -> int:
    missing = set(netcore.__all__) - {name for names in CHAPTERS.values() for name in names}
    if missing:
        print(f"no chapter has {', '.join(sorted(missing))}")
        return 1
    if "--check" in sys.argv:
        if PAGE.read_text() != page():
            print("docs/reference.md is not up to date; run tools/reference.py")
            return 1
    else:
        PAGE.write_text(page())
    return 0


if __name__ == "__main__":
    sys.exit(main())
