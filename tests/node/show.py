"""Prints the traces of scenarios: python show.py node|netcore|both WORD... (words that the name or file contains)."""

import difflib
import os
import pathlib
import sys

import sides
import steps

CACHE = pathlib.Path(__file__).resolve().parents[2] / ".cache" / "node26"


def main(side, *words):
    node = os.environ.get("NODE26") or next(CACHE.glob("node_modules/*/bin/node"))
    found = steps.parse(pathlib.Path(words[0]).read_text(), "given") if words and words[0].endswith(".steps") else None
    if found is None:
        found = [one for one in steps.all_scenarios() if all(word in f"{one.source}: {one.name}" for word in words)]
    ours, err = sides.run_on_netcore(found) if side != "node" else ({}, "")
    theirs, node_err = sides.run_on_node(node, found) if side != "netcore" else ({}, "")
    print(err, node_err, file=sys.stderr)
    for one in found:
        print(f"== {one.source}: {one.name}")
        if side != "both":
            for lane, text in (ours or theirs).get(one.name, []):
                print(f"  {lane:6} {text}")
            continue
        for lane in sorted(sides.lanes(theirs.get(one.name, []))):
            a, b = (sides.lanes(trace.get(one.name, [])).get(lane, []) for trace in (theirs, ours))
            for line in difflib.unified_diff(a, b, "node", "netcore", lineterm="", n=3):
                print("  ", lane, line)


main(*sys.argv[1:])
