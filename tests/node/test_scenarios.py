"""Every scenario leaves the same trace on netcore as on a real Node."""

import concurrent.futures
import difflib

import generate
import pytest
import sides
import steps

SOURCES = sorted({scenario.source for scenario in steps.all_scenarios()})
SEEDS = (3, 5, 6, 7)
RANDOM_SCENARIOS_A_SEED = 60


def both(node, scenarios):
    """Traces of Node and of netcore, made at the same time."""
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        theirs = pool.submit(sides.run_on_node, node, scenarios)
        ours = pool.submit(sides.run_on_netcore, scenarios)
        return theirs.result(), ours.result()


def differences(theirs, ours):
    """Where two traces part, lane by lane, as lines of a diff; none when they are equal."""
    theirs, ours = sides.lanes(theirs), sides.lanes(ours)
    lines = []
    for lane in sorted(theirs.keys() | ours.keys()):
        pair = theirs.get(lane, []), ours.get(lane, [])
        lines += difflib.unified_diff(*pair, f"node, lane {lane}", f"netcore, lane {lane}", lineterm="", n=2)
    return lines


def compare(node, scenarios):
    """A report on every scenario whose traces are not what they should be."""
    (theirs, node_said), (ours, netcore_said) = both(node, scenarios)
    failures = []
    for scenario in scenarios:
        found = differences(theirs.get(scenario.name, []), ours.get(scenario.name, []))
        if scenario.name not in theirs:
            failures.append(f"== {scenario.name}\nNode's driver did not get there: {node_said[-500:]}")
        elif scenario.name not in ours:
            failures.append(f"== {scenario.name}\nnetcore's driver did not get there: {netcore_said[-500:]}")
        elif scenario.differs and not found:
            failures.append(f"== {scenario.name}\nno longer differs: its `differs:` line is out of date")
        elif found and not scenario.differs:
            failures.append("\n".join([f"== {scenario.name}", *found]))
        elif overdue := [text for _, text in theirs[scenario.name] if text.startswith("TIMEOUT")]:
            failures.append(f"== {scenario.name}\nneither side got past {overdue[0]}")
    return failures


def check(node, scenarios):
    failures = compare(node, scenarios)
    if failures:
        pytest.fail(f"{len(failures)} of {len(scenarios)} scenarios differ\n" + "\n\n".join(failures), pytrace=False)


@pytest.mark.timeout(240)
@pytest.mark.parametrize("source", SOURCES)
def test_netcore_leaves_the_trace_of_node(node, source):
    check(node, [scenario for scenario in steps.all_scenarios() if scenario.source == source])


@pytest.mark.timeout(240)
@pytest.mark.parametrize("seed", SEEDS)
def test_netcore_leaves_the_trace_of_node_for_random_calls(node, seed):
    check(node, generate.scenarios(seed, RANDOM_SCENARIOS_A_SEED))


def test_scenarios_have_names_of_their_own():
    names = [scenario.name for scenario in steps.all_scenarios()]
    assert len(names) == len(set(names))


def test_only_a_handful_of_scenarios_differ_on_purpose():
    differing = [scenario.name for scenario in steps.all_scenarios() if scenario.differs]
    assert len(differing) <= 12, differing
