"""What addresses and block lists cost, beside an empty C call, other libraries and a real Node, all in one run.

    python bench/addresses.py [--rounds N] [--node PATH] [--json FILE]

Every subject gets the same inputs in turn, round after round, so that what else the machine does meets all of them; the
figure is the median of the rounds, in nanoseconds of the processor's time for one operation, the loop that makes it
included. `ipset_c`, `pytricia`
and `py-radix` are taken if they are installed, Node if its binary is named or on the path.
"""

import argparse
import gc
import importlib.util
import ipaddress
import json
import random
import shlex
import shutil
import socket
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import netcore as net

HERE = Path(__file__).parent
SIZES = {"ipv4": (10, 1_000, 100_000, 900_000), "ipv6": (10, 1_000, 100_000)}
CHECKS = 1_000
WARM = 10
BATCH = 400_000
Run = Callable[[], object]

NODE = """
const net = require('net');
const { v4, v6, ports, rules, rounds } = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const out = {};
const clock = () => {
  if (!process.threadCpuUsage) return Number(process.hrtime.bigint());
  const used = process.threadCpuUsage();
  return (used.user + used.system) * 1000;
};
const LOOPS = 100; // its clock has steps of milliseconds
const time = (name, count, f) => {
  const all = [];
  for (let r = 0; r < rounds; r++) {
    const t = clock();
    for (let i = 0; i < LOOPS; i++) f();
    all.push((clock() - t) / count / LOOPS);
  }
  out[name] = all.sort((a, b) => a - b)[all.length >> 1];
};
time('isIP ipv4', v4.length, () => { for (const a of v4) net.isIP(a); });
time('isIP ipv6', v6.length, () => { for (const a of v6) net.isIP(a); });
if (net.SocketAddress.parse) time('parse', ports.length, () => { for (const a of ports) net.SocketAddress.parse(a); });
for (const [name, [family, list]] of Object.entries(rules)) {
  const blocks = new net.BlockList();
  for (const [address, prefix] of list) blocks.addSubnet(address, prefix, family);
  const some = family === 'ipv4' ? v4 : v6;
  time(`check ${name}`, some.length, () => { for (const a of some) blocks.check(a, family); });
}
console.log(JSON.stringify(out));
"""


def floor() -> ModuleType:
    """Compiles and loads floor.c."""
    target = Path(tempfile.mkdtemp()) / f"floor{sysconfig.get_config_var('EXT_SUFFIX')}"
    compiler = shlex.split(sysconfig.get_config_var("CC") or "cc")
    flags = ["-O2", "-shared", "-fPIC", f"-I{sysconfig.get_path('include')}"]
    subprocess.run([*compiler, *flags, str(HERE / "floor.c"), "-o", str(target)], check=True)
    spec = importlib.util.spec_from_file_location("floor", target)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Inputs:
    """Addresses and rules, the same in every run."""

    def __init__(self) -> None:
        self.draw = random.Random(3)
        self.v4 = [self._v4() for _ in range(CHECKS)]
        self.v6 = [f"{self._v6()}::{self.draw.randrange(65536):x}" for _ in range(CHECKS)]
        self.ports = [f"{address}:{self.draw.randrange(65536)}" for address in self.v4]
        self.rules = {f"ipv4 {n}": ("ipv4", self._rules4(n)) for n in SIZES["ipv4"]}
        self.rules |= {f"ipv6 {n}": ("ipv6", [(f"{self._v6()}::", 48) for _ in range(n)]) for n in SIZES["ipv6"]}

    def _v4(self) -> str:
        return ".".join(str(self.draw.randrange(1 if i == 0 else 0, 224 if i == 0 else 256)) for i in range(4))

    def _v6(self) -> str:
        return f"2001:{self.draw.randrange(65536):x}:{self.draw.randrange(65536):x}"

    def _rules4(self, count: int) -> list[tuple[str, int]]:
        return [(f"{self._v4().rsplit('.', 1)[0]}.0", 24) for _ in range(count)]


def each(source: str, values: list[str], **names: object) -> Run:
    """A loop that runs `source` for each `x` of `values`, compiled once; ten times over, so that what one subject needs of
    the caches is there although the others had them in between."""
    space = dict(names, values=values)
    exec(f"def run():\n for _ in range({WARM}):\n  for x in values: {source}", space)
    run = space["run"]
    assert callable(run)
    return run


def block_list(family: str, rules: list[tuple[str, int]]) -> net.BlockList:
    made = net.BlockList()
    for address, prefix in rules:
        made.addSubnet(address, prefix, family)
    return made


def optional(name: str) -> ModuleType | None:
    return importlib.import_module(name) if importlib.util.find_spec(name) else None


def peers(family: str, rules: list[tuple[str, int]]) -> dict[str, tuple[str, object]]:
    """Other sets with the same rules: how to ask them, and the set."""
    cidrs = [f"{address}/{prefix}" for address, prefix in rules]
    made: dict[str, tuple[str, object]] = {}
    if ipset := optional("ipset_c"):
        made["ipset_c"] = ("s.isContainsCidr(x)", ipset.IPSet(cidrs))
    if pytricia := optional("pytricia"):
        tree = pytricia.PyTricia(128 if family == "ipv6" else 32)
        for cidr in cidrs:
            tree.insert(cidr, True)
        made["pytricia"] = ("x in s", tree)
    if radix := optional("radix"):
        nodes = radix.Radix()
        for cidr in cidrs:
            nodes.add(cidr)
        made["py-radix"] = ("s.search_best(x)", nodes)
    return made


def subjects(inputs: Inputs, empty: ModuleType) -> dict[str, tuple[Run, int]]:
    """What is measured: a run, and how many operations it is."""
    v4, v6 = inputs.v4, inputs.v6
    floor_object = empty.Floor()
    made: dict[str, tuple[Run, int]] = {
        "empty C method, 1 argument": (each("f.one(x)", v4, f=floor_object), CHECKS * WARM),
        "empty C method, 2 arguments": (each("f.two(x, t)", v4, f=floor_object, t="ipv4"), CHECKS * WARM),
        "isIP ipv4": (each("f(x)", v4, f=net.isIP), CHECKS * WARM),
        "isIP ipv6": (each("f(x)", v6, f=net.isIP), CHECKS * WARM),
        "isIP ipv4, one address": (each("f(x)", ["192.168.100.20"] * CHECKS, f=net.isIP), CHECKS * WARM),
        "isIP ipv6, one address": (each("f(x)", ["2001:db8::8a2e:370:7334"] * CHECKS, f=net.isIP), CHECKS * WARM),
        "inet_pton ipv4": (each("f(k, x)", v4, f=socket.inet_pton, k=socket.AF_INET), CHECKS * WARM),
        "ipaddress ipv4": (each("f(x)", v4[:100], f=ipaddress.ip_address), 100 * WARM),
        "parse": (each("f(x)", inputs.ports, f=net.SocketAddress.parse), CHECKS * WARM),
    }
    for name, (family, rules) in inputs.rules.items():
        texts = v4 if family == "ipv4" else v6
        blocks = block_list(family, rules)
        made[f"check {name}"] = (each("b.check(x, t)", texts, b=blocks, t=family), CHECKS * WARM)
        made[f"check {name}, one address"] = (
            each("b.check(x, t)", [texts[0]] * CHECKS, b=blocks, t=family),
            CHECKS * WARM,
        )
        if len(rules) <= 100_000:
            for peer, (source, other) in peers(family, rules).items():
                made[f"check {name} {peer}"] = (each(source, texts, s=other), CHECKS * WARM)
    return made | batches(inputs)


def batches(inputs: Inputs) -> dict[str, tuple[Run, int]]:
    family, rules = inputs.rules["ipv4 100000"]
    blocks = block_list(family, rules)
    packed = inputs.draw.randbytes(4 * BATCH)
    texts = [socket.inet_ntoa(packed[4 * i : 4 * i + 4]) for i in range(20_000)]
    check = blocks.check
    return {
        "batch packed": (lambda: blocks.check_many(packed), BATCH),
        "batch of str": (lambda: blocks.check_many(texts), len(texts)),
        "loop of check in C": (lambda: list(map(check, texts)), len(texts)),
        "loop of check in Python": (lambda: [check(text) for text in texts], len(texts)),
    }


def once(inputs: Inputs) -> dict[str, tuple[Run, int]]:
    """What is slow enough to be run a few times only."""
    _, rules = inputs.rules["ipv4 100000"]
    cidrs = [f"{address}/{prefix}" for address, prefix in rules]
    lines = [f"{a}.{b}.{c}.0/24" for a in range(16) for b in range(256) for c in range(245)][:1_000_000]
    file = Path(tempfile.mkdtemp()) / "million.netset"
    file.write_text("\n".join(lines))
    made: dict[str, tuple[Run, int]] = {
        "adding 100000": (lambda: [f(c) for f in (net.BlockList().addCIDR,) for c in cidrs], len(cidrs)),
        "load of a million lines": (lambda: net.BlockList().load(file), len(lines)),
    }
    if ipset := optional("ipset_c"):
        made["adding 100000 ipset_c"] = (lambda: [f(c) for f in (ipset.IPSet([]).addCidr,) for c in cidrs], len(cidrs))
    return made


def clock() -> Callable[[], int]:
    """The time that this thread has had, which others on the machine cannot stretch; Windows counts that too coarsely."""
    return time.thread_time_ns if time.get_clock_info("thread_time").resolution < 1e-6 else time.perf_counter_ns


def measure(runs: dict[str, tuple[Run, int]], rounds: int) -> dict[str, float]:
    times: dict[str, list[float]] = {name: [] for name in runs}
    now = clock()
    gc.disable()
    for _ in range(rounds):
        for name, (run, count) in runs.items():
            started = now()
            run()
            times[name].append((now() - started) / count)
    gc.enable()
    return {name: statistics.median(all_) for name, all_ in times.items()}


def node_figures(inputs: Inputs, node: str, rounds: int) -> dict[str, float]:
    rules = {name: value for name, value in inputs.rules.items() if len(value[1]) <= 100_000}
    data = {"v4": inputs.v4, "v6": inputs.v6, "ports": inputs.ports, "rules": rules, "rounds": rounds}
    done = subprocess.run([node, "-e", NODE], input=json.dumps(data), capture_output=True, text=True, check=True)
    return {f"{name} Node": value for name, value in json.loads(done.stdout).items()}


def goals(t: dict[str, float]) -> list[tuple[str, float, str]]:
    """The ratios that were set as goals, as far as this run has them."""
    one, two = t["empty C method, 1 argument"], t["empty C method, 2 arguments"]
    rows = [
        ("isIP ipv4 / empty call", t["isIP ipv4, one address"] / one, "<= 1.3"),
        ("isIP ipv6 / empty call", t["isIP ipv6, one address"] / one, "<= 2"),
    ]
    for size, goal in zip(SIZES["ipv4"], (1.6, 2.2, 2.8, 3.2), strict=True):
        rows.append((f"check ipv4 {size} / empty call", t[f"check ipv4 {size}, one address"] / two, f"<= {goal}"))
        rows.append((f"check ipv4 {size} / empty call, 1000 addresses", t[f"check ipv4 {size}"] / two, ""))
    for peer, goal in (("ipset_c", 6), ("pytricia", 12), ("Node", 50)):
        if f"check ipv4 100000 {peer}" in t:
            rows.append(
                (
                    f"check ipv4 100000, {peer} / ours",
                    t[f"check ipv4 100000 {peer}"] / t["check ipv4 100000"],
                    f">= {goal}",
                )
            )
    for size in SIZES["ipv6"]:
        if f"check ipv6 {size} ipset_c" in t:
            rows.append(
                (
                    f"check ipv6 {size}, ipset_c / ours",
                    t[f"check ipv6 {size} ipset_c"] / t[f"check ipv6 {size}"],
                    ">= 3",
                )
            )
    rows.append(("packed batch, million addresses a second", 1000 / t["batch packed"], ">= 80"))
    rows.append(("loop of check in C / batch of str", t["loop of check in C"] / t["batch of str"], ">= 2.5"))
    rows.append(("loop of check in Python / batch of str", t["loop of check in Python"] / t["batch of str"], ">= 6"))
    if "adding 100000 ipset_c" in t:
        rows.append(("adding 100000, ours / ipset_c", t["adding 100000"] / t["adding 100000 ipset_c"], "<= 0.5"))
    if "parse Node" in t:
        rows.append(("SocketAddress.parse, Node / ours", t["parse Node"] / t["parse"], ">= 10"))
    rows.append(("load of a million lines, seconds", t["load of a million lines"] / 1000, "about 1"))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=41)
    parser.add_argument("--node", default=shutil.which("node"), help="the binary of a real Node")
    parser.add_argument("--json", type=Path, help="write the figures to a file, too")
    args = parser.parse_args()
    inputs = Inputs()
    figures = measure(subjects(inputs, floor()), args.rounds)
    figures |= measure(once(inputs), max(1, args.rounds // 5))
    if args.node:
        figures |= node_figures(inputs, args.node, max(3, args.rounds // 3))
    for name, value in figures.items():
        print(f"{name:<45} {value:12.1f} ns")
    in_set, in_log = block_list(*inputs.rules["ipv4 100000"]).memory()
    print(
        f"\n{'memory at 100000 ipv4 rules, bytes a rule':<50} {in_set / 1e5:8.1f} set {in_log / 1e5:8.1f} log   goal <= 24 set"
    )
    for name, ratio, goal in goals(figures):
        print(f"{name:<50} {ratio:8.2f}   {goal and 'goal'} {goal}")
    if args.json:
        args.json.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    sys.exit(main())
