"""`BlockList`: Node's methods, the ones Node has not, and a brute-force oracle."""

import copy
import io
import ipaddress
import json
import pickle
import random
import sys
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

import netcore as net
from netcore import BlockList, SocketAddress


def v6(address, **more):
    return SocketAddress(address=address, family="ipv6", **more)


def v4(address):
    return SocketAddress(address=address)


def blocked(*rules, **options):
    made = BlockList(**options)
    for each in rules:
        made.addCIDR(each)
    return made


# -- Node's methods --------------------------------------------------------------------------------------------------


def test_the_example_of_nodes_documentation():
    blocks = BlockList()
    blocks.addAddress("123.123.123.123")
    blocks.addRange("10.0.0.1", "10.0.0.10")
    blocks.addSubnet("8592:757c:efae:4e45::", 64, "ipv6")
    assert blocks.check("123.123.123.123") is True
    assert blocks.check("10.0.0.3") is True
    assert blocks.check("222.111.111.222") is False
    assert blocks.check("::ffff:7b7b:7b7b", "ipv6") is True
    assert blocks.check("::ffff:123.123.123.123", "ipv6") is True
    assert blocks.rules == [
        "Address: IPv4 123.123.123.123",
        "Subnet: IPv6 8592:757c:efae:4e45::/64",
        "Range: IPv4 10.0.0.1-10.0.0.10",
    ]


def test_rules_are_listed_by_kind_newest_first():
    blocks = BlockList()
    blocks.addSubnet("1.0.0.0", 8)
    blocks.addSubnet("2.0.0.0", 8)
    blocks.addSubnet("1.0.0.0", 8)
    blocks.addSubnet("1.1.1.77", 24)
    blocks.addRange(v6("::1"), v4("1.1.1.1"))
    blocks.addRange("1.1.1.1", v6("2001::"))
    blocks.addAddress("::ffff:1.1.1.1", "ipv6")
    assert blocks.rules == [
        "Address: IPv6 ::ffff:1.1.1.1",
        "Subnet: IPv4 1.1.1.77/24",
        "Subnet: IPv4 1.0.0.0/8",
        "Subnet: IPv4 2.0.0.0/8",
        "Subnet: IPv4 1.0.0.0/8",
        "Range: IPv4 1.1.1.1-2001::",
        "Range: IPv6 ::1-1.1.1.1",
    ]
    assert blocks.size == len(blocks) == 7
    assert blocks.toJSON() == blocks.rules


def test_an_address_is_listed_once_as_it_was_written_last():
    blocks = BlockList()
    blocks.addAddress("1.1.1.1")
    blocks.addAddress("1.1.1.1")
    assert blocks.rules == ["Address: IPv4 1.1.1.1"]
    blocks.addAddress("::ffff:1.1.1.1", "ipv6")
    assert blocks.rules == ["Address: IPv6 ::ffff:1.1.1.1"]
    blocks.removeAddress("1.1.1.1")
    assert blocks.rules == []
    assert blocks.check("1.1.1.1") is False


def test_one_of_two_rules_can_go():
    blocks = BlockList()
    blocks.addAddress("10.0.0.5")
    blocks.addSubnet("10.0.0.0", 24)
    blocks.addSubnet("10.0.0.0", 24)
    blocks.addRange("10.0.0.1", "10.0.0.9")
    for remove in (
        lambda: blocks.removeSubnet("10.0.0.0", 24),
        lambda: blocks.removeAddress("10.0.0.5"),
        lambda: blocks.removeCIDR("10.0.0.0/24"),
    ):
        remove()
        assert blocks.check("10.0.0.5") is True
    assert blocks.check("10.0.0.10") is False
    blocks.removeRange("10.0.0.1", "10.0.0.9")
    assert blocks.check("10.0.0.5") is False
    assert blocks.size == 0


def test_removing_what_is_not_there_is_no_error():
    blocks = blocked("1.1.1.77/24")
    blocks.removeAddress("9.9.9.9")
    blocks.removeSubnet("1.1.1.0", 24)
    blocks.removeRange("1.1.1.5", "1.1.1.1")
    assert blocks.rules == ["Subnet: IPv4 1.1.1.77/24"]


def test_lists_are_added_whole_or_not_at_all():
    blocks = BlockList()
    blocks.addAddresses(["1.1.1.1", v6("::7")])
    blocks.addCIDRs(BlockList.PRIVATE_RANGES)
    before = blocks.rules
    with pytest.raises(ValueError, match="Invalid socket address"):
        blocks.addAddresses(["3.3.3.3", "bad"])
    with pytest.raises(ValueError, match="must contain a prefix length"):
        blocks.addCIDRs(["4.0.0.0/8", "bad"])
    assert blocks.rules == before
    assert len(before) == 10


def test_the_private_ranges_are_those_of_node():
    assert BlockList.PRIVATE_RANGES == (
        "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "::1/128", "169.254.0.0/16", "fe80::/10", "fc00::/7",
    )  # fmt: skip


def test_clear_takes_everything_away():
    blocks = blocked("0.0.0.0/0", "::/0", "1.2.3.4/32")
    blocks.clear()
    assert (blocks.size, blocks.rules) == (0, [])
    assert not blocks.check("1.2.3.4")
    assert not blocks.check("::1", "ipv6")
    blocks.addAddress("1.2.3.4")
    assert blocks.check("1.2.3.4")


TYPE = "ERR_INVALID_ARG_TYPE"
VALUE = "ERR_INVALID_ARG_VALUE"
ADDRESS = "ERR_INVALID_ADDRESS"
RANGE = "ERR_OUT_OF_RANGE"
MISUSE = [
    ("addAddress", (1,), TYPE, 'The "address" argument must be of type string. Received type number (1)'),
    ("addAddress", (None,), TYPE, 'The "address" argument must be of type string. Received undefined'),
    ("addAddress", (5, 5), TYPE, 'The "address" argument must be of type string. Received type number (5)'),
    ("addAddress", ("x", 5), TYPE, 'The "family" argument must be of type string. Received type number (5)'),
    ("addAddress", ("1.2.3.4", "foo"), VALUE, "The property 'options.family' is invalid. Received 'foo'"),
    ("addAddress", ("1.2.3.4", ""), VALUE, "The property 'options.family' is invalid. Received ''"),
    ("addAddress", ("::1",), ADDRESS, "Invalid socket address"),
    ("addAddress", ("1.2.3.4", "ipv6"), ADDRESS, "Invalid socket address"),
    ("addAddress", ("",), ADDRESS, "Invalid socket address"),
    ("addAddress", ("010.1.1.1",), ADDRESS, "Invalid socket address"),
    ("addAddress", ("127.1",), ADDRESS, "Invalid socket address"),
    ("addAddress", ("0x7f.1",), ADDRESS, "Invalid socket address"),
    ("addAddress", ("1.2.3.4\0",), ADDRESS, "Invalid socket address"),
    ("addAddress", ("\ud800",), ADDRESS, "Invalid socket address"),
    ("removeAddress", ("bad",), ADDRESS, "Invalid socket address"),
    (
        "addAddresses",
        ("x",),
        TYPE,
        "The \"addresses\" argument must be an instance of Array. Received type string ('x')",
    ),
    ("addAddresses", ([1],), TYPE, 'The "addresses[0]" argument must be of type string. Received type number (1)'),
    ("addAddresses", ([], 3), TYPE, 'The "family" argument must be of type string. Received type number (3)'),
    ("addRange", (1, 2), TYPE, 'The "start" argument must be of type string. Received type number (1)'),
    ("addRange", ("1.2.3.4", 5), TYPE, 'The "end" argument must be of type string. Received type number (5)'),
    (
        "addRange",
        ("1.2.3.4", "1.2.3.1"),
        VALUE,
        "The argument 'start' must come before end. "
        "Received SocketAddress { address: '1.2.3.4', port: 0, family: 'ipv4', flowlabel: 0 }",
    ),
    ("addRange", ("1.2.3.4", "1.2.3.5\0"), ADDRESS, "Invalid socket address"),
    ("addSubnet", (1, 2), TYPE, 'The "network" argument must be of type string. Received type number (1)'),
    ("addSubnet", ("1.2.3.4", "8"), TYPE, "The \"prefix\" argument must be of type number. Received type string ('8')"),
    (
        "addSubnet",
        ("1.2.3.4", True),
        TYPE,
        'The "prefix" argument must be of type number. Received type boolean (true)',
    ),
    ("addSubnet", ("1.2.3.4", "x", "foo"), VALUE, "The property 'options.family' is invalid. Received 'foo'"),
    (
        "addSubnet",
        ("1.2.3.4", 33),
        RANGE,
        'The value of "prefix" is out of range. It must be >= 0 && <= 32. Received 33',
    ),
    (
        "addSubnet",
        ("1.2.3.4", -1),
        RANGE,
        'The value of "prefix" is out of range. It must be >= 0 && <= 32. Received -1',
    ),
    (
        "addSubnet",
        ("1.2.3.4", 1.5),
        RANGE,
        'The value of "prefix" is out of range. It must be an integer. Received 1.5',
    ),
    (
        "addSubnet",
        ("::1", 129, "ipv6"),
        RANGE,
        'The value of "prefix" is out of range. It must be >= 0 && <= 128. Received 129',
    ),
    (
        "removeSubnet",
        ("1.1.1.1", 33),
        RANGE,
        'The value of "prefix" is out of range. It must be >= 0 && <= 32. Received 33',
    ),
    ("addCIDR", (8,), TYPE, 'The "cidr" argument must be of type string. Received type number (8)'),
    (
        "addCIDR",
        ("10.0.0.1",),
        VALUE,
        "The argument 'cidr' must contain a prefix length (e.g. \"10.0.0.0/8\"). Received '10.0.0.1'",
    ),
    *[
        ("addCIDR", (text,), VALUE, f"The argument 'cidr' prefix length must be a valid integer. Received '{text}'")
        for text in (
            "10.0.0.0/",
            "10.0.0.0/ 8",
            "10.0.0.0/08",
            "10.0.0.0/+8",
            "10.0.0.0/8.0",
            "10.0.0.0/-0",
            "10.0.0.0/٨",
        )
    ],
    (
        "addCIDR",
        ("10.0.0.0/33",),
        RANGE,
        'The value of "prefix" is out of range. It must be >= 0 && <= 32. Received 33',
    ),
    (
        "addCIDR",
        ("10.0.0.0/-1",),
        RANGE,
        'The value of "prefix" is out of range. It must be >= 0 && <= 32. Received -1',
    ),
    ("addCIDR", ("10.0.0.0/8/9",), ADDRESS, "Invalid socket address"),
    ("addCIDRs", ([1],), TYPE, 'The "cidrs[0]" argument must be of type string. Received type number (1)'),
    ("check", (1,), TYPE, 'The "address" argument must be of type string. Received type number (1)'),
    ("check", ("1.2.3.4", 1), TYPE, 'The "family" argument must be of type string. Received type number (1)'),
    ("fromJSON", (1,), TYPE, 'The "data" argument must be of type string or string[]. Received type number (1)'),
]


@pytest.mark.parametrize(("method", "arguments", "code", "message"), MISUSE)
def test_misuse_raises_what_node_throws(method, arguments, code, message):
    blocks = BlockList()
    with pytest.raises(TypeError if code == TYPE else ValueError) as caught:
        getattr(blocks, method)(*arguments)
    assert (caught.value.code, str(caught.value)) == (code, message)
    assert blocks.size == 0


def test_check_answers_false_for_what_is_no_address_of_the_type():
    blocks = blocked("0.0.0.0/0", "::/0")
    for arguments in (
        ("x",),
        ("",),
        ("::1",),
        ("1.2.3.4", "ipv6"),
        ("1.2.3.4", "foo"),
        ("1.2.3.4\0",),
        ("fe80::1%", "ipv6"),
    ):
        assert blocks.check(*arguments) is False
    assert blocks.check("1.2.3.4", "IPV4") is True
    assert blocks.check("::1", type="ipv6") is True


def test_a_strict_list_raises_where_node_answers_false():
    blocks = blocked("0.0.0.0/0", strict=True)
    for arguments in (("x",), ("::1",), ("1.2.3.4", "ipv6"), ("1.2.3.4\0",), ("fe80::1%", "ipv6")):
        with pytest.raises(ValueError, match="Invalid socket address") as caught:
            blocks.check(*arguments)
        assert caught.value.code == ADDRESS
    with pytest.raises(ValueError, match=r"options\.family"):
        blocks.check("1.2.3.4", "foo")
    with pytest.raises(ValueError, match="Invalid"):
        "x" in blocks  # noqa: B015
    with pytest.raises(ValueError, match="Invalid"):
        blocks.check_many(["1.2.3.4", "x"])
    with pytest.raises(ValueError, match="must be a list of rules"):
        blocks.fromJSON(["x"])
    assert blocks.check("1.2.3.4") is True


def test_in_takes_either_family():
    blocks = blocked("10.0.0.0/8", "2001:db8::/32")
    assert "10.1.1.1" in blocks
    assert "2001:db8::1" in blocks
    assert "::ffff:10.1.1.1" in blocks
    assert v4("10.1.1.1") in blocks
    assert "11.1.1.1" not in blocks
    assert "x" not in blocks
    with pytest.raises(TypeError):
        5 in blocks  # noqa: B015


# -- one address space -----------------------------------------------------------------------------------------------

MAPPED = [
    (lambda b: b.addAddress("1.2.3.4"), ["1.2.3.4", "::ffff:1.2.3.4", "::ffff:102:304"], ["1.2.3.5", "::102:304"]),
    (lambda b: b.addAddress("::ffff:102:304", "ipv6"), ["1.2.3.4", "::ffff:1.2.3.4"], ["1.2.3.3", "::1.2.3.4"]),
    (lambda b: b.addCIDR("::/0"), ["1.2.3.4", "::", "255.255.255.255", "0.0.0.0", "ffff::"], []),
    (
        lambda b: b.addCIDR("0.0.0.0/0"),
        ["1.2.3.4", "::ffff:0:0", "::ffff:ffff:ffff"],
        ["::fffe:ffff:ffff", "::1:0:0:0"],
    ),
    (lambda b: b.addCIDR("::ffff:0:0/96"), ["1.2.3.4", "0.0.0.0", "255.255.255.255"], ["::1", "1::"]),
    (lambda b: b.addCIDR("::ffff:0:0/104"), ["0.1.1.1", "0.255.255.255"], ["1.0.0.0", "1.1.1.1"]),
    (lambda b: b.addCIDR("::ffff:1.2.3.0/120"), ["1.2.3.0", "1.2.3.255"], ["1.2.2.255", "1.2.4.0"]),
    (lambda b: b.addCIDR("::/64"), ["1.2.3.4", "::5"], ["1::", "0:0:0:1::"]),
    (
        lambda b: b.addRange("::1", "::ffff:ffff:ffff", "ipv6"),
        ["10.0.0.5", "::ffff:10.0.0.5", "255.255.255.255", "::1"],
        ["::", "::1:0:0:0"],
    ),
    (
        lambda b: b.addRange(v4("9.0.0.0"), v6("2001::")),
        ["9.0.0.0", "255.0.0.0", "::1:0:0:0", "2001::"],
        ["8.255.255.255"],
    ),
    (lambda b: b.addRange(v6("::5"), v4("0.0.0.9")), ["::5", "0.0.0.9", "::fffe:1:1"], ["::4", "0.0.0.10"]),
]


@pytest.mark.parametrize(("add", "inside", "outside"), MAPPED)
def test_an_ipv4_address_is_its_mapped_address_in_rules_and_checks(add, inside, outside):
    blocks = BlockList()
    add(blocks)
    for text in (*inside, *outside):
        address = ipaddress.ip_address(text)
        expected = text in inside
        assert (text in blocks) is expected, text
        assert blocks.check(text, f"ipv{address.version}") is expected, text
        packed = address.packed
        assert blocks.check_many(packed, f"ipv{address.version}") == bytes([expected]), text
        if address.version == 4:
            assert blocks.check_many(b"\0" * 10 + b"\xff\xff" + packed, "ipv6") == bytes([expected]), text


def test_a_rule_is_the_same_in_both_spellings_when_it_goes():
    blocks = blocked("10.0.0.0/8")
    blocks.addRange("::ffff:1.1.1.1", "::ffff:1.1.1.9", "ipv6")
    blocks.removeCIDR("::ffff:10.0.0.0/104")
    blocks.removeRange("1.1.1.1", "1.1.1.9")
    assert blocks.size == 0


# -- zones -----------------------------------------------------------------------------------------------------------


def test_a_zone_cannot_be_part_of_a_rule():
    blocks = BlockList()
    for add in (
        lambda: blocks.addAddress("fe80::1%eth0", "ipv6"),
        lambda: blocks.addAddress("fe80::1%0", "ipv6"),
        lambda: blocks.addAddress(v6("fe80::1%7")),
        lambda: blocks.addSubnet("fe80::%1", 64, "ipv6"),
        lambda: blocks.addCIDR("fe80::%eth0/64"),
        lambda: blocks.addRange("fe80::1", "fe80::5%1", "ipv6"),
        lambda: blocks.load(["fe80::1%eth0"]),
    ):
        with pytest.raises(ValueError, match=r".") as caught:
            add()
        assert caught.value.code == ADDRESS
    assert blocks.size == 0


def test_a_rule_holds_in_every_zone():
    blocks = blocked("fe80::/64")
    assert blocks.check("fe80::1%eth0", "ipv6")
    assert blocks.check("fe80::1%3", "ipv6")
    assert v6("fe80::1%eth0") in blocks
    assert not blocks.check("fe81::1%eth0", "ipv6")


# -- the bugs that Node had ------------------------------------------------------------------------------------------


def test_the_ends_of_a_range_belong_to_it_and_their_neighbours_do_not():
    blocks = BlockList()
    blocks.addRange("10.0.0.2", "10.0.1.2")
    assert [blocks.check(a) for a in ("10.0.0.1", "10.0.0.2", "10.0.0.255", "10.0.1.2", "10.0.1.3")] == [
        False, True, True, True, False,
    ]  # fmt: skip


@pytest.mark.parametrize("prefix", range(33))
def test_an_ipv4_subnet_of_every_prefix_ends_where_it_should(prefix):
    network = ipaddress.ip_network(("10.11.12.13", prefix), strict=False)
    blocks = BlockList()
    blocks.addSubnet("10.11.12.13", prefix)
    check_edges(blocks, int(network[0]), int(network[-1]), ipaddress.IPv4Address)


@pytest.mark.parametrize("prefix", range(129))
def test_an_ipv6_subnet_of_every_prefix_ends_where_it_should(prefix):
    network = ipaddress.ip_network(("2001:db8:aaaa:5555:1234:5678:9abc:def0", prefix), strict=False)
    blocks = BlockList()
    blocks.addSubnet("2001:db8:aaaa:5555:1234:5678:9abc:def0", prefix, "ipv6")
    check_edges(blocks, int(network[0]), int(network[-1]), ipaddress.IPv6Address)


def check_edges(blocks, first, last, kind):
    for number, expected in ((first - 1, False), (first, True), (last, True), (last + 1, False)):
        if 0 <= number < 2 ** kind(0).max_prefixlen:
            assert (str(kind(number)) in blocks) is expected


# -- batches ---------------------------------------------------------------------------------------------------------


def test_check_many_takes_texts_of_both_families_and_socket_addresses():
    blocks = blocked("10.0.0.0/8", "2001:db8::/32")
    addresses = ["10.1.1.1", "11.1.1.1", "2001:db8::1", "x", v4("10.9.9.9"), v6("::1"), "::ffff:10.0.0.1", "é"]
    expected = bytes([1, 0, 1, 0, 1, 0, 1, 0])
    assert blocks.check_many(addresses) == expected
    assert blocks.check_many(iter(addresses)) == expected
    assert blocks.check_many(["10.1.1.1", "2001:db8::1"], "ipv6") == bytes([0, 1])
    assert blocks.check_many([]) == b""
    many = [f"{i % 256}.{i // 256}.0.1" for i in range(5000)]
    assert blocks.check_many(many) == bytes([i % 256 == 10 for i in range(5000)])
    for wrong in ([1], "10.1.1.1", 5):
        with pytest.raises(TypeError):
            blocks.check_many(wrong)


def test_check_many_takes_packed_buffers():
    blocks = blocked("10.0.0.0/8", "2001:db8::/32")
    packed = bytes([10, 1, 1, 1, 11, 1, 1, 1]) * 20
    expected = bytes([1, 0]) * 20
    assert blocks.check_many(packed) == blocks.check_many(bytearray(packed)) == expected
    assert blocks.check_many(memoryview(packed).cast("B", (40, 4))) == expected
    six = ipaddress.ip_address("2001:db8::1").packed + ipaddress.ip_address("::ffff:10.0.0.1").packed
    assert blocks.check_many(six, "ipv6") == bytes([1, 1])
    assert blocks.check_many(memoryview(six).cast("B", (2, 16))) == bytes([1, 1])
    assert blocks.check_many(b"") == b""
    reversed_rows = memoryview(packed)[::-1]
    assert blocks.check_many(reversed_rows) == bytes(40)
    for wrong in (packed[:-1], memoryview(bytes(12)).cast("B", (4, 3)), memoryview(bytes(8)).cast("I")):
        with pytest.raises(ValueError, match="must be"):
            blocks.check_many(wrong)
    with pytest.raises(ValueError, match="does not go with"):
        blocks.check_many(memoryview(packed).cast("B", (40, 4)), "ipv6")


# -- as data ---------------------------------------------------------------------------------------------------------


def full():
    made = blocked("10.0.0.0/8", "1.1.1.77/24", "::/9", "10.0.0.0/8")
    made.addAddresses(["1.2.3.4", v6("::1")])
    made.addRange("1.1.1.1", "1.1.1.4")
    made.addRange(v6("::1"), v4("1.1.1.1"))
    return made


def test_from_json_reads_what_to_json_wrote():
    original = full()
    for data in (original.toJSON(), tuple(original.rules), json.dumps(original.toJSON())):
        made = BlockList()
        made.fromJSON(data)
        assert made == original
        assert made.size == original.size


def test_from_json_passes_over_what_is_no_rule():
    blocks = BlockList()
    blocks.fromJSON(
        ["bad", "Address: IPv4 bad", "Address: IPv4 ::1", "address: ipv4 1.1.1.1", " Address: IPv4 6.6.6.8 ", ""]
    )
    blocks.fromJSON(["Address: IPv4 1.2.3.4\0", "Subnet: IPv4 1.1.1.0/024"])
    assert blocks.rules == ["Address: IPv4 6.6.6.8"]
    with pytest.raises(ValueError, match=r"It must be >= 0 && <= 32. Received 99"):
        blocks.fromJSON(["Subnet: IPv4 1.1.1.0/99"])
    with pytest.raises(ValueError, match="must come before end"):
        blocks.fromJSON(["Range: IPv4 1.1.1.9-1.1.1.1"])


def test_copies_and_pickles_are_equal_and_their_own():
    original = full()
    for made in (pickle.loads(pickle.dumps(original)), copy.copy(original), copy.deepcopy(original)):
        assert made == original
        assert made.rules == original.rules
        made.addAddress("ff00::9", "ipv6")
        assert made != original
        assert not original.check("ff00::9", "ipv6")
    strict = pickle.loads(pickle.dumps(BlockList(strict=True)))
    with pytest.raises(ValueError, match="Invalid"):
        strict.check("x")


def test_lists_compare_by_their_rules():
    assert blocked("1.0.0.0/8", "2.0.0.0/8") == blocked("2.0.0.0/8", "1.0.0.0/8")
    assert blocked("1.0.0.0/8") != blocked("1.0.0.0/8", "1.0.0.0/8")
    assert BlockList() != []
    assert bool(BlockList())
    with pytest.raises(TypeError):
        hash(BlockList())
    assert repr(blocked("1.0.0.0/8")) == "<BlockList of 1 rule>"


def test_is_block_list_knows_its_own():
    assert BlockList.isBlockList(BlockList()) is True
    assert BlockList.isBlockList({}) is False
    assert net.BlockList is BlockList


def test_a_half_built_list_is_an_empty_one():
    blocks = BlockList.__new__(BlockList)
    assert blocks.size == 0
    assert blocks.check("1.2.3.4") is False
    blocks.addAddress("1.2.3.4")
    assert blocks.check("1.2.3.4") is True


# -- loading ---------------------------------------------------------------------------------------------------------

LISTS = """\ufeff# FireHOL
#
10.0.0.0/8
1.2.3.4

  2.2.2.0/24   ; SBL256894
3.3.3.1-3.3.3.9\r
3.4.0.1 - 3.4.0.9\t# with blanks
2001:db8::/32
::1
create blocks hash:net family inet hashsize 1024
add blocks 4.4.0.0/16 timeout 300 comment "x"
-A blocks 5.5.5.5
COMMIT"""
LOADED = [
    "Address: IPv4 5.5.5.5",
    "Address: IPv6 ::1",
    "Address: IPv4 1.2.3.4",
    "Subnet: IPv4 4.4.0.0/16",
    "Subnet: IPv6 2001:db8::/32",
    "Subnet: IPv4 2.2.2.0/24",
    "Subnet: IPv4 10.0.0.0/8",
    "Range: IPv4 3.4.0.1-3.4.0.9",
    "Range: IPv4 3.3.3.1-3.3.3.9",
]


def test_load_reads_the_lists_that_people_publish(tmp_path):
    path = tmp_path / "some.netset"
    path.write_bytes(LISTS.encode())
    with path.open() as text, path.open("rb") as octets:
        for source in (
            path,
            str(path),
            text,
            octets,
            io.StringIO(LISTS),
            LISTS.splitlines(),
            LISTS.encode().split(b"\n"),
        ):
            blocks = BlockList()
            assert blocks.load(source) == (9, [])
            assert blocks.rules == LOADED


BAD_LINES = [
    "x", "1.2.3", "1.2.3.4/33", "1.2.3.4/", "1.2.3.4/08", "1.2.3.4/-1", "::1/129", "1.2.3.9-1.2.3.1", "1.2.3.4-", "-1.2.3.4",
    "1.2.3.4 5.6.7.8", "010.1.1.1", "fe80::1%eth0", "1.2.3.4\0", "add blocks 1.2.3.4 nomatch", "add blocks", "1.2.3.4,x",
    "1.2.3.4/24/8", "é", "\udcff", "0x7f.1", "127.1", "1.2.3.4/0x8", "1.2.3.4-1.2.3.5-1.2.3.6",
]  # fmt: skip


@pytest.mark.parametrize("line", BAD_LINES)
def test_load_names_a_wrong_line_and_adds_nothing(line, tmp_path):
    path = tmp_path / "some.netset"
    path.write_bytes(b"# list\n9.9.9.9\n" + line.encode("utf-8", "surrogateescape") + b"\n8.8.8.8\n")
    blocks = BlockList()
    with pytest.raises(ValueError, match="not an address, subnet or range") as caught:
        blocks.load(path)
    error = caught.value
    assert (error.code, error.file, error.line) == (ADDRESS, str(path), 3)
    assert str(error) == f"{path}:3: not an address, subnet or range: {error.text!r}"
    assert blocks.size == 0
    added, bad = blocks.load(path, strict=False)
    assert added == 2
    assert [(each.number, each.text) for each in bad] == [(3, error.text)]
    assert blocks.rules == ["Address: IPv4 8.8.8.8", "Address: IPv4 9.9.9.9"]


def test_load_says_what_it_cannot_read(tmp_path):
    with pytest.raises(FileNotFoundError):
        BlockList().load(tmp_path / "missing")
    with pytest.raises(ValueError, match="null"):
        BlockList().load("some\0file")
    for wrong in (5, None, b"1.2.3.4", [1]):
        with pytest.raises(TypeError):
            BlockList().load(wrong)


# -- against a brute-force oracle ------------------------------------------------------------------------------------

# A few neighbourhoods, so that rules overlap, nest, touch and repeat.
points = st.one_of(
    st.integers(0, 40).map(lambda i: 0xFFFF0A000000 + i),
    st.integers(0xFFFF0A00FFF0, 0xFFFF0A010010),
    st.integers(0xFFFF00000000 - 20, 0xFFFF00000000 + 20),
    st.integers(0xFFFFFFFFFFFF - 20, 0xFFFFFFFFFFFF + 20),
    st.integers(0, 20),
    st.integers(2**128 - 20, 2**128 - 1),
    st.integers(0x20010DB8 << 96, (0x20010DB8 << 96) + 2**70),
    st.integers(0xFFFF00000000, 0xFFFFFFFFFFFF),
    st.integers(0, 2**128 - 1),
)


def spelled(number):
    if number >> 32 == 0xFFFF:
        return v4(str(ipaddress.IPv4Address(number & 0xFFFFFFFF)))
    return v6(str(ipaddress.IPv6Address(number)))


class Changes(RuleBasedStateMachine):
    @initialize()
    def start(self):
        self.blocks = BlockList()
        self.model = []
        self.probes = {0, 2**128 - 1}

    def change(self, add, name, arguments, first, last):
        item = (name, tuple(str(a) for a in arguments), first, last)
        self.probes.update((first - 1, first, last, last + 1))
        if add:
            if name == "Address" and item in self.model:
                self.model.remove(item)
            self.model.append(item)
        elif item in self.model:
            self.model.remove(item)
        getattr(self.blocks, ("add" if add else "remove") + name)(*arguments)

    @rule(add=st.booleans(), at=points)
    def address(self, add, at):
        self.change(add, "Address", (spelled(at),), at, at)

    @rule(add=st.booleans(), a=points, b=points)
    def range(self, add, a, b):
        first, last = sorted((a, b))
        self.change(add, "Range", (spelled(first), spelled(last)), first, last)

    @rule(add=st.booleans(), at=points, bits=st.integers(0, 128))
    def subnet(self, add, at, bits):
        four = at >> 32 == 0xFFFF
        prefix = bits % 33 if four else bits
        host = (1 << ((32 if four else 128) - prefix)) - 1
        self.change(add, "Subnet", (spelled(at), prefix), at & ~host, at | host)

    @rule(pick=st.integers(0, 1000))
    def remove_one_of_them(self, pick):
        if self.model:
            name, _, first, last = item = self.model[pick % len(self.model)]
            if name == "Range":
                self.model.remove(item)
                self.blocks.removeRange(spelled(first), spelled(last))

    @invariant()
    def answers_are_those_of_all_rules(self):
        numbers = [n for n in self.probes if 0 <= n < 2**128]
        expected = bytes([any(first <= n <= last for _, _, first, last in self.model) for n in numbers])
        packed = b"".join([n.to_bytes(16, "big") for n in numbers])
        assert self.blocks.check_many(packed, "ipv6") == expected
        assert self.blocks.check_many([spelled(n).address for n in numbers]) == expected
        assert self.blocks.size == len(self.model)


Changes.TestCase.settings = settings(max_examples=60, stateful_step_count=30)
TestChanges = Changes.TestCase


@given(st.lists(st.tuples(points, points), max_size=30), st.lists(points, max_size=20))
def test_ranges_block_what_lies_in_one_of_them(pairs, probes):
    blocks = BlockList()
    spans = [tuple(sorted(pair)) for pair in pairs]
    for first, last in spans:
        blocks.addRange(spelled(first), spelled(last))
    for number in {*probes, *(n + d for span in spans for n in span for d in (-1, 0, 1))}:
        if 0 <= number < 2**128:
            assert (spelled(number) in blocks) == any(first <= number <= last for first, last in spans)


# -- threads ---------------------------------------------------------------------------------------------------------


def test_readers_keep_their_answers_while_a_writer_works():
    blocks = blocked("10.1.2.0/24")
    packed = bytes([10, 1, 2, 3, 9, 9, 9, 9]) * 512
    done = threading.Event()
    wrong = []

    def read():
        while not done.is_set():
            if blocks.check_many(packed) != bytes([1, 0]) * 512 or not blocks.check("10.1.2.3"):
                wrong.append(True)

    readers = [threading.Thread(target=read) for _ in range(2)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-4)
    try:
        for reader in readers:
            reader.start()
        for i in range(400):
            blocks.addSubnet("10.1.0.0", 16)
            blocks.addAddress(f"10.1.2.{i % 256}")
            blocks.addRange("10.0.0.0", "100.0.0.0")
            blocks.removeRange("10.0.0.0", "100.0.0.0")
            blocks.removeSubnet("10.1.0.0", 16)
    finally:
        done.set()
        sys.setswitchinterval(interval)
        for reader in readers:
            reader.join()
    assert not wrong


# -- size ------------------------------------------------------------------------------------------------------------


def test_a_hundred_thousand_rules_fit_into_24_bytes_each():
    blocks = BlockList()
    blocks.load([f"{i * 2654435761 % 224}.{i * 40503 % 256}.{i * 9973 % 251}.0/24" for i in range(100_000)])
    assert blocks.size == 100_000
    in_set, in_log = blocks.memory()
    assert in_set <= 24 * 100_000
    assert in_log <= 24 * 100_000


def test_a_list_that_grows_while_it_is_searched_keeps_each_address_once() -> None:
    """Every address lies in a subnet, so each addition asks the index for its like, and the index grows run by run."""
    draw = random.Random(11)
    blocks = BlockList()
    blocks.addSubnet("10.0.0.0", 8)
    expected: dict[str, None] = {}
    for _ in range(12_000):
        address = f"10.0.{draw.randrange(40)}.{draw.randrange(256)}"
        expected.pop(address, None)
        if draw.random() < 0.7:
            blocks.addAddress(address)
            expected[address] = None
        else:
            blocks.removeAddress(address)
    assert blocks.rules == [f"Address: IPv4 {each}" for each in reversed(expected)] + ["Subnet: IPv4 10.0.0.0/8"]
    blocks.removeSubnet("10.0.0.0", 8)
    asked = [f"10.0.{i}.{j}" for i in range(40) for j in range(256)]
    assert blocks.check_many(asked) == bytes(each in expected for each in asked)
