from typing_extensions import Buffer, disjoint_base

def encode(text: str, encoding: str | None = "utf8") -> bytes:
    """The bytes of `text` in one of Node's encodings, as `Buffer.from(text, encoding)` gives them.

    Raises `ERR_UNKNOWN_ENCODING` for a name that is none. Text that does not fit the encoding is never an error.
    """

def byteLength(text: str, encoding: str | None = "utf8") -> int:
    """How many bytes `text` has in `encoding`, as `Buffer.byteLength` counts: an upper limit for hex and base64."""

def normalize(encoding: str | None) -> str:
    """Node's own name for an encoding (`'utf8'` for `'UTF-8'`, `'latin1'` for `'binary'`, `'utf8'` for None)."""

def decode(data: Buffer, encoding: str | None = "utf8") -> str:
    """The text of some bytes in one of Node's encodings, as `buffer.toString(encoding)` gives it.

    `data` is anything with the buffer protocol. What is not valid UTF-8 becomes U+FFFD, by the rules of the WHATWG.
    Raises `ERR_UNKNOWN_ENCODING` for a name that is none.
    """

@disjoint_base
class Decoder:
    """Node's StringDecoder: decodes bytes that arrive in pieces, and keeps a character that is not yet complete.

    `encoding` is one of Node's names; raises `ERR_UNKNOWN_ENCODING` for any other.
    """

    def __new__(cls, encoding: str | None = "utf8") -> Decoder: ...
    @property
    def encoding(self) -> str:
        """Node's own name of the encoding."""
    def write(self, data: Buffer | str) -> str:
        """The text of all characters that are complete with `data`, any object with the buffer protocol."""
    def end(self, data: Buffer | str | None = None) -> str:
        """The rest: `data` if given, and what stands for a character that will never be complete."""
