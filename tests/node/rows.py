"""The table of docs/conformance.md: each row of the API with the scenarios that prove it. `python rows.py` writes it."""

import pathlib
import re
import tomllib

import steps

HERE = pathlib.Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "conformance.md"
SHOWN = 4

HEADER = """# Conformance: each row of the API, and what proves it

Every scenario named here runs on a real Node and on netcore (`tests/node`), and the two traces are compared: events with
their arguments, return values, errors, properties, bytes on the wire, and the order of it all. This page is made by
`python tests/node/rows.py`; a test checks that it is current and that no row is without proof.
"""


def sections():
    """(title, [(row, scenarios or tests)]) for each section of rows.toml."""
    scenarios = steps.all_scenarios()
    for section in tomllib.loads((HERE / "rows.toml").read_text(encoding="utf-8"))["section"]:
        files = section.get("files")
        within = [one for one in scenarios if files is None or one.source in files]
        if files:
            within.sort(key=lambda one: files.index(one.source))
        rows = [(row, [f"{one.source}: {one.name}" for one in proofs(row, within)]) for row in section["rows"].split()]
        rows += [
            (row, tests if isinstance(tests, list) else [tests]) for row, tests in section.get("tests", {}).items()
        ]
        yield section["title"], rows


def proofs(row, scenarios):
    """Scenarios that say they prove the row come first, then those that use it in a step."""
    used = re.compile(rf"(?<![\w]){re.escape(row)}(?![\w])")
    said = [one for one in scenarios if row in one.rows]
    return said + [one for one in scenarios if row not in one.rows and used.search(one.text)]


def unproven():
    return [f"{title}: {row}" for title, rows in sections() for row, found in rows if not found]


def _cell(found):
    shown = "; ".join(name.replace("|", "\\|") for name in found[:SHOWN])
    return shown + (f"; and {len(found) - SHOWN} more" if len(found) > SHOWN else "")


def page():
    parts = [HEADER]
    for title, rows in sections():
        lines = [f"| `{row}` | {_cell(found)} |" for row, found in rows]
        parts.append("\n".join([f"## {title}\n", "| Row | Proof |", "| --- | --- |", *lines]) + "\n")
    differing = [f"- {one.name}: {one.differs}" for one in steps.all_scenarios() if one.differs]
    parts.append("## Where netcore differs on purpose\n\n" + "\n".join(differing) + "\n")
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
