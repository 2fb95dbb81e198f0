"""Runs scenarios (JSON on standard input) on netcore, and prints one JSON line of trace per scenario.

driver.js is the same machine on Node; vocabulary and notation are described in README.md.
"""

import json
import os
import pathlib
import re
import sys
import zlib

from raw_peers import Bench

import netcore as net

VOCABULARY = json.loads((pathlib.Path(__file__).parent / "vocabulary.json").read_text())
TURNS_TO_SETTLE = VOCABULARY["turnsToSettle"]
QUIET_STEP = re.compile(r"(watch|show|state|rec|hold|peer|fn|path)\b")
RUNS_WITHOUT_PROGRESS = 50


# -- notation: the same text for the same value in both languages ----------------------------------------------------


def show_bytes(data):
    if len(data) > 80:
        return f"bytes({len(data)} #{zlib.adler32(data):x})"
    return "b'" + "".join(chr(b) if 32 <= b < 127 and b not in (92, 39) else f"\\x{b:02x}" for b in data) + "'"


def quote(text):
    text = json.dumps(text, ensure_ascii=False)
    return re.sub("[\ud800-\udfff]", lambda found: f"\\u{ord(found[0]):04x}", text)


def utf16_length(text):
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def message_form(message):
    """Values of one language only are brought to one form; the rest of the message is compared to the letter."""
    for pattern, form in (
        (r"Received (null|undefined)", "Received None"),
        (r"name '(\w+)' is not defined", r"\1 is not defined"),
        (r"(address|family): undefined", r"\1: None"),
        (r"Invalid IP address: [\[{].*", "Invalid IP address: something"),
        (r"an instance of \w+(?=\.?$)", "an instance"),
        (r"Received function.*", "Received function"),
        (r"(?s)Received \[.*|Received \{.*", "Received something"),
        (r"Received an instance.*", "Received something"),
    ):
        message = re.sub(pattern, form, message)
    return message


def error_class(error, code):
    if code in ("ABORT_ERR", "TIMEOUT_ERR"):
        return "AbortError" if code == "ABORT_ERR" else "TimeoutError"
    if code.startswith("ERR_"):
        kinds = (ValueError, TypeError, RuntimeError)
        return next((kind.__name__ for kind in kinds if isinstance(error, kind)), type(error).__name__)
    if code:
        return "OSError" if isinstance(error, OSError) else type(error).__name__
    return next((kind.__name__ for kind in (TypeError, TimeoutError) if isinstance(error, kind)), "Error")


class Run:
    """One scenario on its way."""

    def __init__(self, scenario, done):
        self.scenario = scenario
        self.done = done
        self.trace = []
        self.labels = {}
        self.lanes = {}
        self.ports = {}
        self.counts = {}
        self.bulk_parts = {}
        self.timers = []
        self.pending = None
        self.position = 0
        self.over = False
        self.deadline = self.ticker = None
        self.peer = Bench(scenario["path"], self.remember)
        self.scope = Scope(self).names()

    # -- text

    def remember(self, port):
        self.ports.setdefault(port, f"P{len(self.ports) + 1}")
        return port

    def label_of(self, value):
        found = self.labels.get(id(value))
        return found[1] if found else None

    def port_name(self, port):
        return str(port) if port < 1024 else self.ports.get(port, "<port>")

    def text(self, value):
        value = value.replace(self.scenario["path"], "<dir>")
        return re.sub(
            r"(?:(?<=:)|(?<=port=)|(?<=PORT ))(\d{4,5})(?!\d)", lambda found: self.port_name(int(found[1])), value
        )

    def show_port(self, value):
        return self.port_name(value) if isinstance(value, int) and not isinstance(value, bool) else self.show(value)

    def show(self, value, depth=0):
        if value is None or isinstance(value, bool):
            return str(value)
        if isinstance(value, (int, float)):
            return self.show_number(value)
        if isinstance(value, str):
            if utf16_length(value) > 200:
                return f"str({utf16_length(value)} #{zlib.adler32(value.encode()):x})"
            return quote(self.text(value))
        label = self.label_of(value)
        if label:
            return f"<{label}>"
        if isinstance(value, BaseException):
            return self.show_error(value)
        if isinstance(value, (bytes, bytearray, memoryview)):
            return show_bytes(bytes(value))
        if depth > 3:
            return "..."
        if isinstance(value, (list, tuple)):
            return "[" + ", ".join(self.show(item, depth + 1) for item in value) + "]"
        if isinstance(value, dict):
            return self.show_dict(value, depth)
        return "<function>" if callable(value) and not isinstance(value, type) else f"<{type(value).__name__}>"

    def show_number(self, value):
        if value in self.ports:
            return self.ports[value]
        if value != value:
            return "NaN"
        if value in (float("inf"), float("-inf")):
            return "Infinity" if value > 0 else "-Infinity"
        return str(int(value)) if value == int(value) else str(value)

    def show_dict(self, value, depth):
        items = sorted((key, item) for key, item in value.items() if item is not None)
        shown = [
            (key, self.show_port(item) if "port" in key.lower() else self.show(item, depth + 1)) for key, item in items
        ]
        return "{" + ", ".join(f"{key}: {item}" for key, item in shown) + "}"

    def show_error(self, error):
        code = getattr(error, "code", None) or ""
        if isinstance(error, BaseExceptionGroup):
            return f"Group({code} [{', '.join(self.show(item, 1) for item in error.errors)}])"
        parts = [error_class(error, code)]
        if code and code not in ("ABORT_ERR", "TIMEOUT_ERR"):
            parts.append(code)
        number = getattr(error, "errno", None)
        if isinstance(number, int) and code not in ("ENOTFOUND", "EAI_AGAIN"):
            parts.append(f"errno={number}")
        for field in ("syscall", "address", "hostname"):
            if getattr(error, field, None) is not None:
                parts.append(f"{field}={self.text(str(getattr(error, field)))}")
        if getattr(error, "port", None) is not None:
            parts.append(f"port={self.show_port(error.port)}")
        parts.append(quote(self.text(message_form(str(error)))))
        return f"Error({' '.join(parts)})"

    # -- the trace

    def write(self, lane, text):
        if not self.over:
            self.trace.append([lane, text])

    def lane_of(self, label):
        return self.lanes.get(label, "main")

    def count(self, key):
        self.counts[key] = self.counts.get(key, 0) + 1
        self.poll()

    def event(self, label, name, args):
        args = list(args)
        while args and args[-1] is None:
            args.pop()
        self.write(self.lane_of(label), f"{label} '{name}'" + "".join(" " + self.show(value) for value in args))
        self.count(f"{label}:{name}")

    def bulk(self, label, name, chunk):
        self.bulk_parts.setdefault(f"{label}:{name}", []).append(bytes(chunk))
        self.count(f"{label}:{name}")

    def name(self, label, value):
        if value is not None and not isinstance(value, (bool, int, float, str)):
            self.labels.setdefault(id(value), (value, label))
            if isinstance(value, net.Server):
                self.lanes[label] = "main" if self.scenario["total"] else label
        self.scope[label] = value

    # -- steps

    def evaluate(self, step):
        assignment = re.fullmatch(r"([a-z]\w*)(?:\.(\w+))? = (.*)", step, re.S)
        if not assignment:
            return eval(step, self.scope)
        value = eval(assignment[3], self.scope)
        if assignment[2]:
            setattr(self.scope[assignment[1]], assignment[2], value)
        else:
            self.name(assignment[1], value)
        return value

    def perform(self, step, lane=None, silent=False):
        self.write(lane or "*", f"> {step}")
        try:
            value = self.evaluate(step)
        except BaseException as error:
            self.write(lane or "main", f"! {self.show(error)}")
            return None
        if not silent and not QUIET_STEP.match(step):
            self.write(lane or "main", f"= {self.show(value)}")
        return value

    def holds(self, expression):
        try:
            return bool(eval(expression, self.scope))
        except Exception:
            return False

    def satisfied(self):
        for condition in self.pending:
            if "until" in condition:
                if not self.holds(condition["until"]):
                    return False
            elif self.counts.get(condition["event"], 0) < condition["count"]:
                return False
        return True

    def stop_waiting(self):
        self.pending = None
        net.clearTimeout(self.deadline)
        net.clearInterval(self.ticker)

    def poll(self):
        if self.pending is None or not self.satisfied():
            return
        self.stop_waiting()
        settle(TURNS_TO_SETTLE, self.advance)

    def wait(self, conditions):
        self.pending = conditions
        self.deadline = net.setTimeout(self.give_up, VOCABULARY["waitLimitMs"])
        self.ticker = net.setInterval(self.poll, 1) if any("until" in condition for condition in conditions) else None
        self.poll()

    def give_up(self):
        self.write("*", f"TIMEOUT at step {self.position}: {self.scenario['steps'][self.position - 1]['text']}")
        self.stop_waiting()
        self.finish()

    def advance(self):
        while not self.over and self.position < len(self.scenario["steps"]):
            step = self.scenario["steps"][self.position]
            self.position += 1
            if step["kind"] == "do":
                self.perform(step["text"], None, step.get("silent", False))
                continue
            self.write("*", f"> {step['text']}")
            if step["kind"] == "wait":
                return self.wait(step["conditions"])
            return settle(step["turns"], self.advance)
        settle(TURNS_TO_SETTLE, self.finish)

    def finish(self):
        if self.over:
            return
        for key, parts in self.bulk_parts.items():
            self.write(self.lane_of(key.split(":")[0]), f"{key} in all {show_bytes(b''.join(parts))}")
        self.over = True
        for timer in self.timers:
            net.clearTimeout(timer)
            net.clearImmediate(timer)
        for value, _ in list(self.labels.values()):
            self.put_away(value)
        self.peer.leave()
        settle(TURNS_TO_SETTLE, self.done)

    def put_away(self, value):
        try:
            if isinstance(value, net.Socket):
                value.on("error", lambda *_: None)
                value.destroy()
            elif isinstance(value, net.Server):
                value.on("error", lambda *_: None)
                value.close()
            elif isinstance(value, net.BoundSocket):
                value.close()
        except Exception:
            return


def settle(turns, then):
    if turns == 0:
        then()
    else:
        net.setImmediate(settle, turns - 1, then)


# -- the vocabulary of the steps -------------------------------------------------------------------------------------


def start(coroutine_function):
    """Starts a coroutine on the loop: a listener may be one."""
    emitter = net.EventEmitter()
    emitter.on("start", coroutine_function)
    emitter.emit("start")


class Scope:
    """The names that steps use. Those that Node has are Node's."""

    def __init__(self, run):
        self.run = run

    def names(self):
        own = {
            name: getattr(self, name) for name in dir(self) if not name.startswith("_") and name not in ("run", "names")
        }
        return own | {
            "net": net, "Null": None, "NaN": float("nan"), "Infinity": float("inf"), "len": utf16_or_length, "list": list, "in_order": sorted,  # noqa: E501
            "str": str, "peer": self.run.peer, "EventEmitter": net.EventEmitter, "AbortController": net.AbortController,
            "AbortSignal": net.AbortSignal, "nextTick": net.nextTick, "clearTimeout": net.clearTimeout,
            "clearInterval": net.clearInterval, "clearImmediate": net.clearImmediate, "buffer": bytearray,
        }  # fmt: skip

    def B(self, text):
        return text.encode("latin-1")

    def every_byte(self):
        return bytes(range(256))

    def fill(self, count, text):
        return text.encode() * count

    def text(self, count, text):
        return text * count

    def port(self, server):
        return self.run.remember(server.address()["port"])

    def known(self, port):
        return self.run.remember(port)

    def rec(self, label, *args):
        self.run.event(label, "rec", args)

    def boom(self, text):
        def listener(*_):
            raise RuntimeError(text)

        return listener

    def nothing(self, *_):
        return None

    def path(self, name):
        return f"{self.run.scenario['path']}/{name}"

    def lane(self, value, lane):
        self.run.lanes[self.run.label_of(value)] = lane

    def setTimeout(self, *args):
        return self._keep(net.setTimeout(*args))

    def setInterval(self, *args):
        return self._keep(net.setInterval(*args))

    def setImmediate(self, *args):
        return self._keep(net.setImmediate(*args))

    def _keep(self, timer):
        self.run.timers.append(timer)
        return timer

    def tick(self, label, body=""):
        net.nextTick(self.fn(label, body))

    def immediate(self, label, body=""):
        self.setImmediate(self.fn(label, body))

    def timer(self, ms, label, body=""):
        self.setTimeout(self.fn(label, body), ms)

    def fn(self, label, body=""):
        """A function that records its call and then performs the statements of `body`; it answers the last value."""

        def listener(*args):
            run = self.run
            run.event(label, "called", args)
            before = run.scope.get("args")
            run.scope["args"] = args
            value = None
            for statement in body.split("; ") if body else ():
                value = run.perform(statement, run.lane_of(label))
            run.scope["args"] = before
            return value

        self.run.labels[id(listener)] = (listener, label)
        return listener

    def watch(self, emitter, *extra):
        names = VOCABULARY["socketEvents" if isinstance(emitter, net.Socket) else "serverEvents"]
        self.watchOnly(emitter, *names, *extra)

    def watchOnly(self, emitter, *names):
        label = self.run.label_of(emitter)
        for name in names:
            if name == "bulk":
                emitter.on("data", lambda chunk: self.run.bulk(label, "data", chunk))
            else:
                emitter.on(name, lambda *args, name=name: self.run.event(label, name, args))

    def accept(self, prefix, *rest):
        """A connection listener: the accepted sockets are PREFIX1, PREFIX2, ... and live in the server's lane."""
        body = rest[-1].removeprefix("do ") if rest and rest[-1].startswith("do ") else ""
        extra = rest[:-1] if body else rest
        run = self.run
        count = 0

        def listener(socket):
            nonlocal count
            count += 1
            label = f"{prefix}{count}"
            run.lanes[label] = "main" if run.scenario["total"] else prefix
            run.name(label, socket)
            self.watch(socket, *extra)
            run.event(label, "accepted", ())
            for statement in body.split("; ") if body else ():
                run.perform(statement.replace("@", label), run.lane_of(label))

        return listener

    def show(self, value, *names):
        if value is None:
            return self.run.write("main", "nothing to show")
        label = self.run.label_of(value) or "?"
        shown = []
        for name in names:
            item = getattr(value, name)
            shown.append(f"{name}={self.run.show_port(item) if name.lower().endswith('port') else self.run.show(item)}")
        self.run.write(self.run.lane_of(label), f"{label} has {' '.join(shown)}")

    def state(self, socket):
        label = self.run.label_of(socket)
        shown = {name: self.run.show(getattr(socket, name)) for name in VOCABULARY["fresh"]}
        told = [f"{name}={text}" for name, text in shown.items() if text != VOCABULARY["fresh"][name]]
        self.run.write(self.run.lane_of(label), f"{label} is {' '.join(told) or 'fresh'}")

    def lookup(self, label, answer, *flags):
        def look(host, options, callback):
            asked = {name: options.get(name) for name in ("family", "hints", "all")}
            self.run.event(label, "lookup of", (host, asked))
            if "now" in flags:
                callback(*answer)
            else:
                net.nextTick(callback, *answer)

        return look

    def osError(self, code, message):
        error = OSError(message)
        error.code = code
        return error

    def iterate(self, emitter, label, limit=0):
        async def consume():
            seen = 0
            try:
                async for item in emitter:
                    self.run.event(label, "item", (item,))
                    seen += 1
                    if seen == limit:
                        break
                self.run.event(label, "iterated", ())
            except Exception as error:
                self.run.event(label, "raised", (error,))

        start(consume)

    def once(self, emitter, name, label):
        async def wait():
            try:
                self.run.event(label, "resolved", await net.once(emitter, name))
            except Exception as error:
                self.run.event(label, "raised", (error,))

        start(wait)

    def dispose(self, server, label):
        async def leave():
            try:
                await server.__aexit__(None, None, None)
                self.run.event(label, "rec", ())
            except Exception as error:
                self.run.event(label, "raised", (error,))

        start(leave)

    def collected(self, key):
        return sum(map(len, self.run.bulk_parts.get(key, ())))

    def seen(self, event):
        return self.run.counts.get(event, 0)


def utf16_or_length(value):
    return utf16_length(value) if isinstance(value, str) else len(value)


# -- scenarios, one after the other ----------------------------------------------------------------------------------


class Show:
    def __init__(self, scenarios):
        self.waiting = scenarios
        self.current = None
        self.over = False

    def next(self):
        if self.current is not None:
            sys.stdout.write(json.dumps({"name": self.current.scenario["name"], "trace": self.current.trace}) + "\n")
            sys.stdout.flush()
        if not self.waiting:
            self.over = True
            os._exit(0)
        self.current = Run(self.waiting.pop(0), lambda: net.setImmediate(self.next))
        net.setImmediate(self.current.advance)

    def run(self):
        """Runs the loop until the last scenario has ended; what leaves `run()` is what Node calls uncaught."""
        net.setImmediate(self.next)
        idle = 0
        while not self.over and idle < RUNS_WITHOUT_PROGRESS:
            before = self.current and (self.current, len(self.current.trace))
            try:
                net.run()
            except Exception as error:
                self.uncaught(error)
            idle = idle + 1 if before == (self.current and (self.current, len(self.current.trace))) else 0

    def uncaught(self, error):
        if self.current is None:
            raise error
        self.current.write("main", f"uncaught {self.current.show(error)}")
        self.current.count("uncaught")


if __name__ == "__main__":
    Show(json.load(sys.stdin)).run()
