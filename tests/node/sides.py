"""Runs scenarios on either side, a real Node or netcore, and gives back their traces."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading

from raw_peers import Bench

HERE = pathlib.Path(__file__).parent


class PeerDesk:
    """Serves the raw peers to a driver in another process: one line of JSON each way."""

    def __init__(self, bench, incoming, outgoing):
        self.peers = {0: bench}
        self.incoming = os.fdopen(incoming, "r", encoding="utf-8")
        self.outgoing = os.fdopen(outgoing, "w", encoding="utf-8")

    def serve(self):
        with self.incoming, self.outgoing:
            for line in self.incoming:
                self.outgoing.write(json.dumps(self._answer(json.loads(line))) + "\n")
                self.outgoing.flush()

    def _answer(self, request):
        try:
            value = getattr(self.peers[request["id"]], request["method"])(*request["args"])
        except Exception as error:
            return {"error": repr(error)}
        if hasattr(value, "sock"):
            number = len(self.peers)
            self.peers[number] = value
            return {"peer": number, "fields": value.fields}
        return {"value": value}


def _start(command, scenarios, folder, pass_fds):
    data = json.dumps([scenario.as_data(folder) for scenario in scenarios])
    with tempfile.TemporaryFile("w+") as given:
        given.write(data)
        given.seek(0)
        return subprocess.Popen(
            command,
            stdin=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=folder,
            pass_fds=pass_fds,
        )


def _traces(process, limit_s):
    try:
        out, err = process.communicate(timeout=limit_s)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        err += "\n(killed: took too long)"
    traces = {}
    for line in out.splitlines():
        item = json.loads(line)
        traces[item["name"]] = [tuple(entry) for entry in item["trace"]]
    return traces, err


def run_on_node(node, scenarios, limit_s=240):
    """Traces by scenario name, and whatever Node said on standard error."""
    with tempfile.TemporaryDirectory(prefix="nc") as folder:
        to_desk, from_node = os.pipe()
        to_node, from_desk = os.pipe()
        desk = PeerDesk(Bench(folder), to_desk, from_desk)
        command = [str(node), str(HERE / "driver.js"), str(from_node), str(to_node)]
        process = _start(command, scenarios, folder, (from_node, to_node))
        os.close(from_node)
        os.close(to_node)
        thread = threading.Thread(target=desk.serve, daemon=True)
        thread.start()
        return _traces(process, limit_s)


def run_on_netcore(scenarios, limit_s=240):
    """Traces by scenario name, and whatever the driver said on standard error.

    A scenario that brings the driver down is told so in its trace; those after it run in a new driver.
    """
    traces, said, left = {}, "", list(scenarios)
    while left:
        with tempfile.TemporaryDirectory(prefix="nc") as folder:
            process = _start([sys.executable, "-X", "faulthandler", str(HERE / "driver.py")], left, folder, ())
            found, err = _traces(process, limit_s)
        traces |= found
        said += err
        left = [scenario for scenario in left if scenario.name not in found]
        if left:
            traces[left.pop(0).name] = [("main", f"the driver died with {process.returncode}")]
    return traces, said


def lanes(trace):
    """The trace by lane: what happened at one end of the wire, in order; steps belong to every lane."""
    names = {lane for lane, _ in trace if lane != "*"} | {"main"}
    return {name: [text for lane, text in trace if lane in (name, "*")] for name in names}
