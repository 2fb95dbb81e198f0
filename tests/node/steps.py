"""Reads scenario files: the text that both drivers perform.

A file holds scenarios; `== sentence` begins one, `rows:`, `differs:` and `order: total` lines may follow, and then come
the steps, one a line, in an expression language that is at the same time Python and JavaScript.
README.md beside this file describes it.
"""

import dataclasses
import pathlib
import re

FOLDER = pathlib.Path(__file__).parent / "scenarios"
TURNS_TO_SETTLE = 6


@dataclasses.dataclass
class Scenario:
    name: str
    source: str
    steps: list = dataclasses.field(default_factory=list)
    rows: list = dataclasses.field(default_factory=list)
    differs: str = ""
    total: bool = False

    @property
    def text(self):
        return "\n".join(step["text"] for step in self.steps)

    def as_data(self, folder):
        return {"name": self.name, "total": self.total, "path": folder, "steps": self.steps}


def _condition(word):
    event, _, count = word.partition("*")
    return {"event": event, "count": int(count or 1)}


def parse_step(line):
    """One line of a scenario as the data the drivers take."""
    if line.startswith("wait until "):
        return {"kind": "wait", "text": line, "conditions": [{"until": line.removeprefix("wait until ")}]}
    if line.startswith("wait "):
        return {"kind": "wait", "text": line, "conditions": [_condition(word) for word in line.split()[1:]]}
    if line == "settle":
        return {"kind": "settle", "text": line, "turns": TURNS_TO_SETTLE}
    if re.fullmatch(r"turn \d+", line):
        return {"kind": "settle", "text": line, "turns": int(line.split()[1])}
    if line.startswith("~ "):
        return {"kind": "do", "text": line.removeprefix("~ "), "silent": True}
    return {"kind": "do", "text": line}


def _header(scenario, line):
    """Takes a header line into the scenario; answers whether it was one."""
    key, colon, value = line.partition(":")
    if not colon or key not in ("rows", "differs", "order"):
        return False
    if key == "rows":
        scenario.rows += [row.strip() for row in value.split(",")]
    elif key == "differs":
        scenario.differs = f"{scenario.differs} {value.strip()}".strip()
    else:
        scenario.total = value.strip() == "total"
    return True


def _cartesian(text):
    """Expands `<<a|b>>` into one text for each alternative; `<<name=a|b>>` also fills every later `<<name>>`."""
    found = re.search(r"<<(?:(\w+)=)?(.*?)>>", text, re.S)
    if not found:
        return [text]
    name, choices = found[1], found[2].split("|")
    texts = []
    for choice in choices:
        expanded = text[: found.start()] + choice + text[found.end() :]
        texts += _cartesian(expanded.replace("<<" + name + ">>", choice) if name else expanded)
    return texts


def parse(text, source):
    """The scenarios of one file's text. `<<a|b>>` makes one scenario for each alternative (see `_cartesian`)."""
    scenarios = []
    for block in re.split(r"^== ", text, flags=re.M)[1:]:
        for expanded in _cartesian(block):
            name, *lines = expanded.splitlines()
            scenario = Scenario(name.strip(), source)
            for line in map(str.strip, lines):
                if line and not line.startswith("#") and not _header(scenario, line):
                    scenario.steps.append(parse_step(line))
            scenarios.append(scenario)
    return scenarios


def all_scenarios():
    found = []
    for path in sorted(FOLDER.glob("*.steps")):
        found += parse(path.read_text(encoding="utf-8"), path.stem)
    return found
