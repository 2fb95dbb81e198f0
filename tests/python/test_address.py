"""`isIP` and `SocketAddress`: what Node says, and what `ipaddress` and `inet_pton` say."""

import copy
import ipaddress
import pickle
import socket

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import netcore as net
from netcore import SocketAddress

NODE_SAYS = {
    4: ["0.0.0.0", "1.2.3.4", "255.255.255.255", "100.20.3.0"],
    6: [
        "::", "::1", "1::", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6::8", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "FE80::1", "0001::",
        "::1.2.3.4", "::ffff:1.2.3.4", "1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5::1.2.3.4", "1::2:3:4:5:1.2.3.4",
        "fe80::1%eth0", "fe80::1%25", "::%1", "::ffff:1.2.3.4%x", "fe80::1%a:b", "fe80::1%-.", "::1%" + "a" * 1000,
    ],
    0: [
        "", " ", "x", "1", "1.2.3", "127.1", "0x7f.1", "01.2.3.4", "010.1.1.1", "00.0.0.0", "256.0.0.1", "1.2.3.4.5",
        ".1.2.3.4", "1..2.3", "1.2.3.4.", "1.2.3.4 ", " 1.2.3.4", "1.2.3.4\n", "1.2.3.4\0", "1.2.3.4\0.5", "\0", "1.2.3.4%a",
        "1.2.3.-4", "1.2.3.+4", "1.2.3.1000", "٠.0.0.0", "１.2.3.4", "1.2.3.4:80", "1.2.3.4/8",
        ":", ":::", "1:", ":1", "::g", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "1::2::3", "00001::",
        "1:2:3:4:5:6::1.2.3.4", "1:2:3:4:5:6:7:1.2.3.4", "::01.2.3.4", "::1.2.3", "::1.2.3.256", "1.2.3.4::", "::1 ", "[::1]",
        "::1\0", "fe80::1%", "fe80::1%a%b", "fe80::1% ", "fe80::1%_", "fe80::1%/", "fe80::1%é", "fe80::1%a\0", "::1%\n",
    ],
}  # fmt: skip
CASES = [(text, family) for family, texts in NODE_SAYS.items() for text in texts]


@pytest.mark.parametrize(("text", "family"), CASES, ids=[repr(text)[:40] for text, _ in CASES])
def test_is_ip_says_what_node_says(text, family):
    assert net.isIP(text) == family
    assert net.isIPv4(text) is (family == 4)
    assert net.isIPv6(text) is (family == 6)


def test_is_ip_asks_other_objects_for_their_text_as_node_does():
    assert net.isIP(ipaddress.ip_address("10.0.0.1")) == 4
    assert net.isIP(ipaddress.ip_address("::1")) == 6
    assert net.isIP(None) == net.isIP(1) == net.isIP(b"1.2.3.4") == 0


def test_is_ip_reads_subclasses_of_str():
    class Text(str):
        pass

    assert net.isIP(Text("1.2.3.4")) == 4


near_addresses = st.one_of(
    st.from_regex(r"[0-9]{1,3}(\.[0-9]{1,4}){2,4}", fullmatch=True),
    st.from_regex(r"[0-9a-fA-F:.]{1,45}", fullmatch=True),
    st.from_regex(r"([0-9a-f]{0,5}:){1,8}[0-9a-f]{0,4}", fullmatch=True),
    st.from_regex(r"(([0-9a-f]{1,4}:){1,6}|::)([0-9]{1,3}\.){3}[0-9]{1,3}", fullmatch=True),
    st.ip_addresses().map(str),
    st.text(),
)


@given(near_addresses)
@example("1.2.3.4\0")
@example("\u0660.0.0.0")
def test_is_ip_agrees_with_the_standard_library(text):
    try:
        family = ipaddress.ip_address(text).version
    except ValueError:
        family = 0
    if "%" not in text:
        assert net.isIP(text) == family


def parsed(text, family):
    kind = socket.AF_INET if family == "ipv4" else socket.AF_INET6
    return socket.inet_pton(kind, text)


def as_node_writes_it(address):
    """The last two of eight words look like IPv4 behind six that are zero, and behind a mapped address's; the inet_ntop of
    some C libraries does the same, that of musl only the latter."""
    if 2**16 <= int(address) < 2**32:
        return f"::{ipaddress.IPv4Address(int(address))}"
    return f"::ffff:{address.ipv4_mapped}" if address.ipv4_mapped else address.compressed


low_addresses = st.builds(ipaddress.IPv6Address, st.integers(0, 2**50))


@given(st.ip_addresses(v=6) | low_addresses)
@example(ipaddress.IPv6Address("::ffff"))
@example(ipaddress.IPv6Address("::1:0"))
@example(ipaddress.IPv6Address("::ffff:1:2"))
@example(ipaddress.IPv6Address("1:0:2:0:0:3:0:0"))
def test_an_ipv6_address_is_written_as_node_writes_it(address):
    expected = as_node_writes_it(address)
    for spelling in (str(address), address.exploded, address.exploded.upper(), expected):
        assert SocketAddress(address=spelling, family="ipv6").address == expected


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_written_back_as_it_was(address):
    assert SocketAddress(address=str(address)).address == str(address)


# -- SocketAddress ---------------------------------------------------------------------------------------------------


def fields(address):
    return address.address, address.port, address.family, address.flowlabel


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ("127.0.0.1", 0, "ipv4", 0)),
        ({"family": "ipv6"}, ("::", 0, "ipv6", 0)),
        ({"family": "IPv6"}, ("::", 0, "ipv6", 0)),
        ({"address": "1.2.3.4", "port": 80}, ("1.2.3.4", 80, "ipv4", 0)),
        ({"address": "::FFFF:1.2.3.4", "family": "ipv6"}, ("::ffff:1.2.3.4", 0, "ipv6", 0)),
        ({"port": "80"}, ("127.0.0.1", 80, "ipv4", 0)),
        ({"port": " 80 "}, ("127.0.0.1", 80, "ipv4", 0)),
        ({"port": "0x50"}, ("127.0.0.1", 80, "ipv4", 0)),
        ({"port": 80.0}, ("127.0.0.1", 80, "ipv4", 0)),
        ({"flowlabel": 7}, ("127.0.0.1", 0, "ipv4", 0)),
        ({"flowlabel": 7, "family": "ipv6"}, ("::", 0, "ipv6", 7)),
        ({"flowlabel": 2**20 - 1, "family": "ipv6"}, ("::", 0, "ipv6", 2**20 - 1)),
        ({"address": None, "port": None, "family": None, "flowlabel": None}, ("127.0.0.1", 0, "ipv4", 0)),
        ({"unknown": 1}, ("127.0.0.1", 0, "ipv4", 0)),
    ],
)
def test_options_are_taken_as_node_takes_them(options, expected):
    assert fields(SocketAddress(options)) == expected
    if "unknown" not in options:
        assert fields(SocketAddress(**options)) == expected


def test_keywords_win_over_the_mapping():
    assert SocketAddress({"port": 1}, port=2).port == 2


BAD_PORT = "options.port should be >= 0 and < 65536. Received "


@pytest.mark.parametrize(
    ("options", "kind", "code", "message"),
    [
        (
            1,
            TypeError,
            "ERR_INVALID_ARG_TYPE",
            'The "options" argument must be of type object. Received type number (1)',
        ),
        (
            {"family": "ipv5"},
            ValueError,
            "ERR_INVALID_ARG_VALUE",
            "The property 'options.family' is invalid. Received 'ipv5'",
        ),
        ({"family": 6}, ValueError, "ERR_INVALID_ARG_VALUE", "The property 'options.family' is invalid. Received 6"),
        ({"address": "::1"}, ValueError, "ERR_INVALID_ADDRESS", "Invalid socket address"),
        ({"address": "1.2.3.4", "family": "ipv6"}, ValueError, "ERR_INVALID_ADDRESS", "Invalid socket address"),
        ({"address": ""}, ValueError, "ERR_INVALID_ADDRESS", "Invalid socket address"),
        ({"address": "1.2.3.4\0"}, ValueError, "ERR_INVALID_ADDRESS", "Invalid socket address"),
        ({"address": "\ud800"}, ValueError, "ERR_INVALID_ADDRESS", "Invalid socket address"),
        (
            {"address": 1},
            TypeError,
            "ERR_INVALID_ARG_TYPE",
            'The "options.address" property must be of type string. Received type number (1)',
        ),
        ({"port": -1}, ValueError, "ERR_SOCKET_BAD_PORT", BAD_PORT + "type number (-1)."),
        ({"port": 65536}, ValueError, "ERR_SOCKET_BAD_PORT", BAD_PORT + "type number (65536)."),
        ({"port": 1.5}, ValueError, "ERR_SOCKET_BAD_PORT", BAD_PORT + "type number (1.5)."),
        ({"port": True}, ValueError, "ERR_SOCKET_BAD_PORT", BAD_PORT + "type boolean (true)."),
        ({"port": "x"}, ValueError, "ERR_SOCKET_BAD_PORT", BAD_PORT + "type string ('x')."),
        ({"port": ""}, ValueError, "ERR_SOCKET_BAD_PORT", BAD_PORT + "type string ('')."),
        ({"port": "8_0"}, ValueError, "ERR_SOCKET_BAD_PORT", BAD_PORT + "type string ('8_0')."),
        ({"port": float("nan")}, ValueError, "ERR_SOCKET_BAD_PORT", BAD_PORT + "type number (NaN)."),
        ({"port": "inf"}, ValueError, "ERR_SOCKET_BAD_PORT", BAD_PORT + "type string ('inf')."),
        (
            {"flowlabel": -1},
            ValueError,
            "ERR_OUT_OF_RANGE",
            'The value of "options.flowlabel" is out of range. It must be >= 0 && <= 4294967295. Received -1',
        ),
        (
            {"flowlabel": 2**20, "family": "ipv6"},
            ValueError,
            "ERR_OUT_OF_RANGE",
            'The value of "options.flowlabel" is out of range. It must be >= 0 && <= 1048575. Received 1048576',
        ),
        (
            {"flowlabel": "1"},
            TypeError,
            "ERR_INVALID_ARG_TYPE",
            "The \"options.flowlabel\" property must be of type number. Received type string ('1')",
        ),
    ],
)
def test_wrong_options_raise_what_node_throws(options, kind, code, message):
    with pytest.raises(kind) as caught:
        SocketAddress(options)
    assert (caught.value.code, str(caught.value)) == (code, message)


def test_an_unknown_keyword_is_a_type_error():
    with pytest.raises(TypeError, match="unexpected keyword argument 'adress'"):
        SocketAddress(adress="1.2.3.4")


def test_a_zone_stays_with_its_address():
    address = SocketAddress(address="fe80::1%eth0", family="ipv6")
    assert address.address == "fe80::1%eth0"
    assert address != SocketAddress(address="fe80::1", family="ipv6")
    assert pickle.loads(pickle.dumps(address)) == address


def test_addresses_are_values():
    one = SocketAddress(address="10.0.0.1", port=80)
    same = SocketAddress(address="10.0.0.1", port=80)
    assert one == same
    assert hash(one) == hash(same)
    assert one != SocketAddress(address="10.0.0.1", port=81)
    assert one != SocketAddress(address="::ffff:10.0.0.1", family="ipv6", port=80)
    assert one < SocketAddress(address="10.0.0.2", port=1) < SocketAddress(address="10.0.0.2", port=2)
    assert (one == "10.0.0.1") is False
    assert pickle.loads(pickle.dumps(one)) == one
    assert copy.copy(one) is copy.deepcopy(one) is one
    for name in ("address", "port", "family", "flowlabel"):
        with pytest.raises(AttributeError):
            setattr(one, name, 1)


def test_to_json_has_the_four_properties():
    address = SocketAddress(family="ipv6", port=5, flowlabel=7)
    assert address.toJSON() == {"address": "::", "port": 5, "family": "ipv6", "flowlabel": 7}
    assert repr(address) == "SocketAddress { address: '::', port: 5, family: 'ipv6', flowlabel: 7 }"
    assert SocketAddress(address.toJSON()) == address


def test_is_socket_address_knows_its_own():
    assert SocketAddress.isSocketAddress(SocketAddress()) is True
    assert SocketAddress.isSocketAddress({"address": "127.0.0.1"}) is False


def test_a_half_built_address_is_a_whole_one():
    assert SocketAddress.__new__(SocketAddress) == SocketAddress()


# What Node's URL parser makes of it, but for the port 80 and NUL bytes.
PARSED = {
    "1.2.3.4": ("1.2.3.4", 0),
    "1.2.3.4:80": ("1.2.3.4", 80),
    "1.2.3.4:443": ("1.2.3.4", 443),
    "1.2.3.4:": ("1.2.3.4", 0),
    "1.2.3.4:0": ("1.2.3.4", 0),
    "1.2.3.4:65535": ("1.2.3.4", 65535),
    "1.2.3.4:" + "0" * 40 + "80": ("1.2.3.4", 80),
    "[::1]": ("::1", 0),
    "[::1]:80": ("::1", 80),
    "[::1]:": ("::1", 0),
    "[::FFFF:102:304]": ("::ffff:1.2.3.4", 0),
    "[::1.2.3.4]:5": ("::1.2.3.4", 5),
    "127.1": ("127.0.0.1", 0),
    "0x7f.1": ("127.0.0.1", 0),
    "010.1.1.1": ("8.1.1.1", 0),
    "1.2.3:5": ("1.2.0.3", 5),
    "4294967295": ("255.255.255.255", 0),
    "0x": ("0.0.0.0", 0),
    "1.2.3.0x10": ("1.2.3.16", 0),
    "1.2.3.4.:5": ("1.2.3.4", 5),
    "1.2.3.4/x": ("1.2.3.4", 0),
    "1.2.3.4:80?q=@9.9.9.9": ("1.2.3.4", 80),
    "1.2.3.4\\x": ("1.2.3.4", 0),
    "//1.2.3.4": ("1.2.3.4", 0),
    "u:p@5.6.7.8:9": ("5.6.7.8", 9),
    "1.2.3.4@5.6.7.8": ("5.6.7.8", 0),
    "[::1]@1.2.3.4": ("1.2.3.4", 0),
    "1.2\n.3.4:8\t1\r": ("1.2.3.4", 81),
    "1.2.3.4 ": ("1.2.3.4", 0),
    "%31.2.3.4": ("1.2.3.4", 0),
    "１.2.3.4": ("1.2.3.4", 0),
    "1。2。3。4:7": ("1.2.3.4", 7),
    "1.2.3.4\u00ad": ("1.2.3.4", 0),
    "é@1.2.3.4": ("1.2.3.4", 0),
    "[::1]:7/é": ("::1", 7),
}
NOT_PARSED = [
    "", " 1.2.3.4", "x", "localhost:80", "::1", "::1:80", "[::1", "::1]", "[1.2.3.4]:5", "[]", "[:]", "[::1]x", "[::1]:x",
    "[fe80::1%lo]:80", "[fe80::1%25lo]:80", "[1::2::3]", "1.2.3.4:65536", "1.2.3.4:x", "1.2.3.4:-1", "1.2.3.4:+80",
    "1.2.3.4: 80", "1.2.3.4:80:90", "1.2.3.4:0x50", "1.2.3.4:8%30", "1.2.3.4:８", "256.1.1.1", "4294967296", "-1", "1..2", "08",
    "1.2.3.08", "1.2.3.4.5", "1.2.3.4%", "x:y", "http://1.2.3.4", "a/b@9.9.9.9", "@", "1.2.3.4\0", "\x001.2.3.4", "1.2\0.3.4",
    "é.1", "1：2", "[：：1]",
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), PARSED.items())
def test_parse_reads_what_node_reads_and_keeps_the_port(text, expected):
    address = SocketAddress.parse(text)
    assert (address.address, address.port) == expected
    assert address.family == ("ipv6" if ":" in expected[0] else "ipv4")


@pytest.mark.parametrize("text", NOT_PARSED)
def test_parse_has_none_for_the_rest(text):
    assert SocketAddress.parse(text) is None


def test_parse_takes_text_only():
    with pytest.raises(TypeError, match=r'The "input" argument must be of type string\. Received undefined') as caught:
        SocketAddress.parse(None)
    assert caught.value.code == "ERR_INVALID_ARG_TYPE"


@given(st.ip_addresses(), st.integers(0, 65535))
def test_parse_reads_back_any_address_and_port(address, port):
    text = f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}"
    found = SocketAddress.parse(text)
    assert parsed(found.address, found.family) == address.packed
    assert found.port == port


@given(st.text())
def test_parse_never_fails_on_text(text):
    assert SocketAddress.parse(text) is None or "\0" not in text


def test_an_address_is_not_changed_by_making_it_again():
    address = SocketAddress(address="1.2.3.4", port=5)
    for made in (address, SocketAddress.parse("1.2.3.4:5")):
        with pytest.raises(TypeError):
            made.__init__(address="5.6.7.8")
        assert made == address
