"""The core alone, over a kernel in memory that is late, short, out of order and faulty at random from a seed.

A failure names its seed; `build/sim/sim-address-undefined SEED SEED+1` plays it again. NETCORE_SIM_FIRST moves the range.
"""

import os
import subprocess
from types import ModuleType

import pytest
import simulation

FIRST = int(os.environ.get("NETCORE_SIM_FIRST", "0"))
BATCH = 500


@pytest.mark.timeout(300)
@pytest.mark.parametrize("batch", range(8))
def test_the_rules_of_streams_hold_whatever_the_kernel_does(sim: ModuleType, batch: int) -> None:
    message = sim.ffi.new("char[]", 200)
    start = FIRST + batch * BATCH
    failures = [
        f"seed {seed}: {sim.ffi.string(message).decode()}"
        for seed in range(start, start + BATCH)
        if sim.lib.sim_run(seed, message, 200)
    ]
    assert failures == []


@pytest.mark.timeout(300)
@pytest.mark.parametrize("sanitizers", ["address,undefined"])
def test_random_schedules_leak_nothing_and_touch_no_foreign_memory(sanitizers: str) -> None:
    program = simulation.build_program(sanitizers)
    result = subprocess.run([program, "0", "250"], capture_output=True, text=True, timeout=240, check=False)
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-4000:]
    assert result.stdout.endswith("250 schedules, 0 failures\n")
