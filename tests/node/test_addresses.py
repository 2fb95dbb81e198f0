"""The parsers against a real Node, over a great many inputs that are almost addresses.

Node answers a file of JSON strings, one a line, with what `net.isIP`, `SocketAddress.parse` and `new SocketAddress` make of
each; netcore must answer the same. The two places where it must not are named in `known_difference`.
"""

import json
import os
import random
import subprocess

import netcore as net

ANSWER = """
const net = require('net');
const lines = require('fs').readFileSync(0, 'utf8').split('\\n');
const text = (f) => { try { const a = f(); return a && [a.address, a.port, a.family]; } catch (e) { return e.code; } };
const out = lines.filter(Boolean).map((line) => {
  const s = JSON.parse(line);
  return JSON.stringify([
    net.isIP(s), text(() => net.SocketAddress.parse(s)) ?? null,
    text(() => new net.SocketAddress({ address: s, family: s.includes(':') ? 'ipv6' : 'ipv4' })),
  ]);
});
process.stdout.write(out.join('\\n'));
"""
SEEDS = [
    "1.2.3.4", "255.255.255.255", "0.0.0.0", "10.20.30.40:80", "127.1", "0x7f.1", "010.1.1.1", "4294967295", "1.2.3:5",
    "::", "::1", "1:2:3:4:5:6:7:8", "fe80::1%eth0", "::ffff:1.2.3.4", "1:2:3:4:5:6:1.2.3.4", "2001:db8::8a2e:370:7334",
    "[::1]:80", "[2001:db8::1]:443", "[::ffff:10.0.0.1]", "u:p@1.2.3.4:5", "1.2.3.4/x?y#z", "[::1]@1.2.3.4", "%31.2.3.4",
]  # fmt: skip
LETTERS = "0123456789abcdefx.:%[]/@?#\\ \t\n-+gXF"
STRANGE = "\u0660\uff11\u3002\u00ad\u200bé\uff0e\u2460\u0000"
COUNT = int(os.environ.get("NETCORE_DIFFERENTIAL", "60000"))


def mutated(draw):
    text = list(draw.choice(SEEDS))
    for _ in range(draw.choice((0, 1, 1, 2, 3, 5))):
        at = draw.randrange(len(text) + 1)
        action = draw.randrange(4)
        if action == 0 and text:
            del text[at - 1]
        elif action == 1:
            text.insert(at, draw.choice(LETTERS if draw.random() < 0.95 else STRANGE))
        elif action == 2 and text:
            text[at - 1] = draw.choice(LETTERS)
        else:
            text[at:at] = text[: draw.randrange(4)]
    return "".join(text)


def netcore_says(text):
    found = net.SocketAddress.parse(text)
    family = "ipv6" if ":" in text else "ipv4"
    try:
        made = net.SocketAddress(address=text, family=family)
        made = [made.address, made.port, made.family]
    except ValueError as error:
        made = error.code
    return [net.isIP(text), found and [found.address, found.port, found.family], made]


def allowed(text, ours, nodes):
    """Whether the answers are equal, but for what Node gets wrong: it loses port 80, zones, and what follows a NUL, and it
    takes wrong zones for good ones when it makes a SocketAddress."""
    if ours == nodes:
        return True
    if "\0" in text or "%" in text:
        ours, nodes = ours[:2], nodes[:2]
    if "\0" in text:
        return ours[0] == nodes[0] and ours[1] is None
    if ours[1] is not None and nodes[1] is not None and ours[1][1] == 80:
        ours = [ours[0], [ours[1][0], 0, ours[1][2]], *ours[2:]]
    return ours == nodes


def test_the_parsers_answer_as_node_does(node):
    draw = random.Random(20260)
    texts = [mutated(draw) for _ in range(COUNT)]
    lines = "\n".join(json.dumps(text) for text in texts)
    done = subprocess.run([node, "-e", ANSWER], input=lines, capture_output=True, text=True, check=True, timeout=50)
    answers = [json.loads(line) for line in done.stdout.split("\n")]
    assert len(answers) == len(texts)
    wrong = [
        (text, ours, nodes)
        for text, nodes in zip(texts, answers, strict=True)
        if not allowed(text, ours := netcore_says(text), nodes)
    ]
    assert wrong == []
