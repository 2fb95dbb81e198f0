"""Makes scenarios from a seed: random calls, valid and not, on a client, a server or an emitter.

What Node's eager write decides (see README.md) is left out: a write is followed by a settle, and its answer not shown.
"""

import random

import steps

CLIENT_START = """
order: total
p = peer.listen()
c = net.Socket({'allowHalfOpen': %s, 'highWaterMark': %s})
watch(c%s)
%s
c.connect(p.port, '127.0.0.1')
%s
wait until p.accept()
q = p.take()
settle
"""

# (weight, lines); a line that starts with "~" is performed without showing what it answers.
CLIENT_BEFORE = [
    (3, ["c.pause()"]),
    (3, ["c.resume()"]),
    (2, ["c.setEncoding('<enc>')"]),
    (2, ["c.setTimeout(5000)"]),
    (2, ["c.setNoDelay(True)"]),
    (2, ["c.read()"]),
    (1, ["c.ref()", "c.unref()", "c.ref()"]),
    (1, ["c.on('data', fn('D'))"]),
    (1, ["c.on('readable', fn('R', 'c.read()'))"]),
    (1, ["c.address()"]),
]
CLIENT_WHILE_CONNECTING = [
    *CLIENT_BEFORE,
    (3, ["c.write('<text>', fn('W'))"]),
    (1, ["c.cork()", "c.uncork()"]),
    (1, ["c.uncork()"]),
    (1, ["c.write(5)"]),
    (1, ["state(c)"]),
]
ENDS = [""] * 6 + ["c.end()", "c.end('early', fn('E'))"]
CLIENT_CONNECTED = [
    (6, ["q.send('<text>')", "settle"]),
    (2, ["q.send('<text>')", "q.send('<text>')", "settle"]),
    (5, ["~ c.write('<text>', fn('W'))", "settle"]),
    (2, ["~ c.write('<text>', 'latin1')", "settle"]),
    (1, ["~ c.write('6162', 'hex', fn('H'))", "settle"]),
    (3, ["c.pause()"]),
    (3, ["c.resume()", "settle"]),
    (2, ["c.read()"]),
    (2, ["c.read(<n>)"]),
    (1, ["c.setEncoding('<enc>')"]),
    (1, ["c.on('data', fn('D'))", "settle"]),
    (1, ["c.removeAllListeners('data')", "settle"]),
    (1, ["c.on('readable', fn('R', 'c.read()'))", "settle"]),
    (1, ["c.removeAllListeners('readable')", "settle"]),
    (2, ["c.cork()", "~ c.write('corked', fn('K'))", "c.uncork()", "settle"]),
    (1, ["c.end('<text>', fn('E'))", "settle"]),
    (1, ["c.end(fn('E'))", "settle"]),
    (1, ["q.fin()", "settle"]),
    (1, ["q.reset()", "settle"]),
    (1, ["q.close()", "settle"]),
    (1, ["c.destroy()", "settle"]),
    (1, ["c.destroy(osError('EMINE', 'mine'))", "settle"]),
    (1, ["c.destroySoon()", "settle"]),
    (1, ["c.resetAndDestroy()", "settle"]),
    (1, ["c.write(5)"]),
    (1, ["c.write('x', 'nope')"]),
    (1, ["c.setEncoding('nope')"]),
    (1, ["c.setTypeOfService(300)"]),
    (1, ["c.on('data', 5)"]),
    (3, ["state(c)"]),
    (2, ["q.received()"]),
    (1, ["show(c, 'bytesRead', 'bytesWritten', 'readableLength')"]),
    (1, ["c.isPaused()"]),
    (1, ["c.emit('mine', 1)"]),
    (1, ["c.listenerCount('data')"]),
    (1, ["settle"]),
]
SERVER = [
    (4, ["s.listen(0)", "settle"]),
    (2, ["s.listen(0, '127.0.0.1')", "settle"]),
    (1, ["s.listen(0, '127.0.0.1')"]),
    (1, ["s.listen(path('s'), fn('L'))", "settle"]),
    (1, ["s.listen({'port': 'x'})"]),
    (1, ["s.listen({})"]),
    (1, ["s.listen(known(p.port), '127.0.0.1')", "settle"]),
    (3, ["s.close(fn('C'))", "settle"]),
    (1, ["s.close()", "settle"]),
    (2, ["s.getConnections(fn('G'))", "settle"]),
    (2, ["show(s, 'listening')"]),
    (1, ["s.maxConnections = <n>"]),
    (1, ["s.unref()"]),
    (1, ["s.ref()"]),
    (1, ["s.getConnections(5)"]),
    (1, ["s.eventNames()"]),
]
EMITTER = [
    (4, ["e.on('<event>', <f>)"]),
    (2, ["e.once('<event>', <f>)"]),
    (2, ["e.prependListener('<event>', <f>)"]),
    (1, ["e.prependOnceListener('<event>', <f>)"]),
    (3, ["e.off('<event>', <f>)"]),
    (1, ["e.removeAllListeners('<event>')"]),
    (1, ["e.removeAllListeners()"]),
    (5, ["e.emit('<event>', <n>)"]),
    (1, ["e.emit('error', osError('EMINE', 'mine'))"]),
    (2, ["e.listenerCount('<event>')"]),
    (2, ["e.eventNames()"]),
    (2, ["e.listeners('<event>')"]),
    (1, ["e.on('<event>', 5)"]),
    (1, ["e.setMaxListeners(<n>)", "e.getMaxListeners()"]),
    (1, ["e.on('newListener', fn('N'))"]),
    (1, ["e.on('removeListener', fn('M'))"]),
]


def _lines(chance, table, count):
    weights = [weight for weight, _ in table]
    for _, lines in chance.choices(table, weights, k=count):
        for line in lines:
            yield _filled(chance, line)


def _filled(chance, line):
    choices = {
        "<text>": ["abc", "0123456789", "x", "\\u00e9\\u20ac", "long " * 8],
        "<enc>": ["utf8", "hex", "latin1", "base64", "utf16le"],
        "<n>": ["0", "1", "3", "100"],
        "<event>": ["a", "b", "error"],
        "<f>": ["f", "g", "h"],
    }
    for place, texts in choices.items():
        while place in line:
            line = line.replace(place, chance.choice(texts), 1)
    return line


def _client(chance):
    start = CLIENT_START % (
        chance.choice(["True", "False"]),
        chance.choice(["65536", "65536", "100000"]),
        chance.choice([", 'data'", ", 'data'", "", ", 'readable'"]),
        "\n".join(_lines(chance, CLIENT_BEFORE, chance.randint(0, 3))),
        "\n".join([*_lines(chance, CLIENT_WHILE_CONNECTING, chance.randint(0, 3)), chance.choice(ENDS)]),
    )
    return (
        start
        + "\n".join(_lines(chance, CLIENT_CONNECTED, chance.randint(5, 25)))
        + "\nsettle\nstate(c)\nq.received()\nq.eof()"
    )


def _server(chance):
    start = "\norder: total\np = peer.listen()\ns = net.createServer(accept('a'))\nwatch(s)\n"
    return start + "\n".join(_lines(chance, SERVER, chance.randint(4, 15))) + "\nsettle"


def _emitter(chance):
    start = "\ne = EventEmitter()\nf = fn('f')\ng = fn('g', 'e.off(\"a\", f)')\nh = fn('h', 'e.once(\"b\", f)')\n"
    return start + "\n".join(_lines(chance, EMITTER, chance.randint(8, 40)))


def scenarios(seed, count):
    """`count` scenarios of each kind; the same for the same seed."""
    found = []
    for kind, make in (("client", _client), ("server", _server), ("emitter", _emitter)):
        for number in range(count):
            chance = random.Random(f"{seed} {kind} {number}")
            found += steps.parse(f"== random {kind} {seed}-{number}{make(chance)}\n", "random")
    return found
