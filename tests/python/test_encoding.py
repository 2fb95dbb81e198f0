"""Node's string encodings. Every expected value here was seen in a real Node 26."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netcore._core.encoding import Decoder, byteLength, decode, encode, normalize

NAMES = {
    "utf8": ["utf8", "utf-8", "UTF8", "Utf-8"],
    "utf16le": ["utf16le", "utf-16le", "ucs2", "ucs-2", "UCS-2", "UTF-16LE"],
    "latin1": ["latin1", "binary", "LATIN1"],
    "ascii": ["ascii"],
    "hex": ["hex", "HEX"],
    "base64": ["base64"],
    "base64url": ["base64url", "BASE64URL"],
}
SNOWMAN, EMOJI, HIGH, LOW = "\u2603", "\U0001f600", "\ud83d", "\ude00"
REPLACED = "\ufffd"


@pytest.mark.parametrize(("name", "alias"), [(name, alias) for name in NAMES for alias in NAMES[name]])
def test_names_are_known_in_any_case(name, alias):
    assert normalize(alias) == name
    assert Decoder(alias).encoding == name


@pytest.mark.parametrize("name", [None, ""])
def test_no_name_is_utf8(name):
    assert normalize(name) == "utf8"
    assert encode(SNOWMAN, name) == b"\xe2\x98\x83"


@pytest.mark.parametrize("name", ["foo", "utf16", "utf-16", "latin-1", "iso-8859-1", "utf8 ", "buffer", 5, b"utf8"])
def test_any_other_name_is_an_error(name):
    for use in (lambda: normalize(name), lambda: encode("", name), lambda: decode(b"", name), lambda: Decoder(name)):
        with pytest.raises(ValueError) as caught:  # noqa: PT011
            use()
        assert caught.value.code == "ERR_UNKNOWN_ENCODING"
        assert str(caught.value) == f"Unknown encoding: {name}"


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("a\xe9" + SNOWMAN + EMOJI, "utf8", "61c3a9e29883f09f9880"),
        ("a\xe9" + SNOWMAN + EMOJI, "latin1", "61e9033d00"),
        ("a\xe9" + SNOWMAN + EMOJI, "ascii", "61e9033d00"),
        ("a\xe9" + SNOWMAN + EMOJI, "utf16le", "6100e90003263dd800de"),
        (HIGH, "utf8", "efbfbd"),
        ("a" + HIGH + "b", "utf8", "61efbfbd62"),
        (LOW + HIGH, "utf8", "efbfbdefbfbd"),
        (HIGH + LOW, "utf8", "f09f9880"),
        (HIGH, "utf16le", "3dd8"),
        (HIGH + LOW, "latin1", "3d00"),
        ("", "hex", ""),
        ("a", "hex", ""),
        ("abc", "hex", "ab"),
        ("ABcd", "hex", "abcd"),
        ("abzz12", "hex", "ab"),
        ("ab cd", "hex", "ab"),
        ("0x12", "hex", ""),
        ("ab" + SNOWMAN + "cd", "hex", "ab"),
    ],
)
def test_text_is_encoded_as_in_node(text, name, expected):
    assert encode(text, name).hex() == expected


@pytest.mark.parametrize("name", ["base64", "base64url"])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("Y", ""),
        ("YQ", "61"),
        ("YQ=", "61"),
        ("YQ==", "61"),
        ("YWJj", "616263"),
        ("YWJjZ", "616263"),
        ("YQ==YQ==", "61"),
        ("Y=Q=", ""),
        ("=YQ", ""),
        ("Y Q\n= =", "61"),
        ("Y-_Q", "63efd0"),
        ("Y+/Q", "63efd0"),
        ("YW!Jj", "616263"),
        ("YW" + SNOWMAN + "Jj", "616263"),
        ("YR==", "61"),
        # Characters count by their low byte, and that of the first half of this one is that of "=".
        (EMOJI + "YQ", ""),
        ("\u0159\u0151", "61"),
    ],
)
def test_base64_is_read_leniently(name, text, expected):
    assert encode(text, name).hex() == expected


@pytest.mark.parametrize(
    ("text", "name", "length"),
    [
        ("abc", "utf8", 3),
        (SNOWMAN + EMOJI, "utf8", 7),
        (HIGH, "utf8", 3),
        (EMOJI, "utf16le", 4),
        (EMOJI, "latin1", 2),
        ("\xff", "latin1", 1),
        ("abc", "hex", 1),
        ("zz", "hex", 1),
        ("=", "base64", 0),
        ("====", "base64", 1),
        ("A===", "base64", 1),
        ("YQ==", "base64", 1),
        ("YQ==YQ==", "base64", 4),
        ("Y\nQ", "base64", 2),
        ("AAAAA", "base64url", 3),
    ],
)
def test_byte_length_counts_as_node_counts(text, name, length):
    assert byteLength(text, name) == length


@pytest.mark.parametrize(
    ("data", "name", "expected"),
    [
        (b"", "utf8", ""),
        (b"\xef\xbb\xbfa", "utf8", "\ufeffa"),
        (b"\x80", "utf8", REPLACED),
        (b"\xc3", "utf8", REPLACED),
        (b"\xed\xa0\x80", "utf8", REPLACED * 3),
        (b"\xf0\x9f\x98", "utf8", REPLACED),
        (b"\xf4\x90\x80\x80", "utf8", REPLACED * 4),
        (b"\xe0\x80\x80", "utf8", REPLACED * 3),
        (b"\xc0\x80", "utf8", REPLACED * 2),
        (b"\xf8\x88\x80\x80\x80", "utf8", REPLACED * 5),
        (b"\xe2A", "utf8", REPLACED + "A"),
        (b"\xc3\xa9", "latin1", "\xc3\xa9"),
        (b"\xc3A", "ascii", "CA"),
        (b"\x3d\xd8\x00\xde\x41", "utf16le", EMOJI),
        (b"\x3d\xd8", "utf16le", HIGH),
        (b"\xff\xfe", "utf16le", "\ufeff"),
        (b"\x01\xab", "hex", "01ab"),
        (b"\xff\xef\x41", "base64", "/+9B"),
        (b"\xff\xef", "base64", "/+8="),
        (b"\xff\xef", "base64url", "_-8"),
    ],
)
def test_bytes_are_decoded_as_in_node(data, name, expected):
    assert decode(data, name) == expected
    assert decode(memoryview(bytearray(data)), name) == expected


@pytest.mark.parametrize(
    ("name", "pieces", "expected"),
    [
        ("utf8", [b"\xe2\x82", b"\xac\xff"], ["", "\u20ac" + REPLACED, ""]),
        ("utf8", [b"a\xf0\x9f", b"\x98", b"\x80b"], ["a", "", EMOJI + "b", ""]),
        ("utf8", [b"\xe2\x82"], ["", REPLACED]),
        ("utf8", [b"\xe2", b"A"], ["", REPLACED + "A", ""]),
        ("utf16le", [b"\xe2\x82", b"\xac\xff"], ["\u82e2", "\uffac", ""]),
        ("utf16le", [b"\x3d", b"\xd8\x00\xde"], ["", EMOJI, ""]),
        ("utf16le", [b"\x41\x00\x3d\xd8", b"\x00\xde"], ["A", EMOJI, ""]),
        ("utf16le", [b"\x01\x02\x03\xd8"], ["\u0201", "\ud803"]),
        ("utf16le", [b"\x01"], ["", ""]),
        ("latin1", [b"\xe2", b"\x82"], ["\xe2", "\x82", ""]),
        ("ascii", [b"\xe2\x82"], ["b\x02", ""]),
        ("hex", [b"\xe2", b"\x82"], ["e2", "82", ""]),
        ("base64", [b"\xe2\x82", b"\xac\xff"], ["", "4oKs", "/w=="]),
        ("base64url", [b"\xe2\x82", b"\xac\xff"], ["", "4oKs", "_w"]),
        ("base64", [b"\x01\x02\x03\xd8"], ["AQID", "2A=="]),
    ],
)
def test_a_decoder_keeps_what_is_not_complete(name, pieces, expected):
    decoder = Decoder(name)
    assert [decoder.write(piece) for piece in pieces] + [decoder.end()] == expected
    assert decoder.end() == ""


def test_the_last_bytes_may_come_with_the_end():
    decoder = Decoder("base64")
    assert decoder.end(b"\x01\x02") == "AQI="
    assert decoder.end(b"\x01\x02\x03") == "AQID"


def test_a_decoder_takes_text_as_it_is_and_nothing_but_bytes_beside_it():
    assert Decoder().write("text") == "text"
    with pytest.raises(TypeError) as caught:
        Decoder().write(5)
    assert caught.value.code == "ERR_INVALID_ARG_TYPE"
    assert str(caught.value) == (
        'The "buf" argument must be an instance of Buffer, TypedArray, or DataView. Received type number (5)'
    )


@pytest.mark.parametrize("name", NAMES)
@given(data=st.binary(max_size=40), cuts=st.lists(st.integers(0, 40)))
def test_pieces_give_the_same_text_as_the_whole(name, data, cuts):
    decoder = Decoder(name)
    edges = [0, *sorted(cuts), len(data)]
    pieces = [data[start:end] for start, end in pairwise(edges)]
    assert "".join(decoder.write(piece) for piece in pieces) + decoder.end() == decode(data, name)


@pytest.mark.parametrize("name", ["utf16le", "latin1", "hex", "base64", "base64url"])
@given(data=st.binary(max_size=40).filter(lambda data: len(data) % 2 == 0))
def test_decoding_and_encoding_are_each_others_inverse(name, data):
    assert encode(decode(data, name), name) == data


@given(text=st.text(st.characters(exclude_categories=["Cs"])))
def test_utf8_is_pythons_utf8_for_text_without_halves_of_pairs(text):
    assert encode(text) == text.encode()
    assert byteLength(text) == len(text.encode())
    assert decode(text.encode()) == text


@given(data=st.binary())
def test_replacement_is_pythons(data):
    assert decode(data) == data.decode("utf-8", "replace")
