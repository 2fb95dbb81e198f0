"""The messages, codes and fields of errors. Every text here was seen in a real Node 26."""

import copy
import errno
import pickle
import socket

import pytest

import netcore as net
from netcore._core import errors

STATUSES = {errors.errno_error(-n, "x").code: -n for n in range(100)}


def failure(code, syscall, *args, **kwargs):
    return errors.errno_error(STATUSES[code], syscall, *args, **kwargs)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (failure("ECONNREFUSED", "connect", "127.0.0.1", 1), "connect ECONNREFUSED 127.0.0.1:1"),
        (failure("ECONNREFUSED", "connect", "::1", 1), "connect ECONNREFUSED ::1:1"),
        (
            failure("ENETUNREACH", "connect", "255.255.255.255", 80, local="0.0.0.0:0"),
            "connect ENETUNREACH 255.255.255.255:80 - Local (0.0.0.0:0)",
        ),
        (failure("ENOENT", "connect", "/nope/x.sock"), "connect ENOENT /nope/x.sock"),
        (failure("EADDRINUSE", "listen", "::", 8124), "listen EADDRINUSE: address already in use :::8124"),
        (failure("EADDRINUSE", "listen", "/tmp/x.sock", -1), "listen EADDRINUSE: address already in use /tmp/x.sock"),
        (failure("EACCES", "listen", "/nope/x/y", -1), "listen EACCES: permission denied /nope/x/y"),
        (failure("EINVAL", "listen"), "listen EINVAL: invalid argument"),
        (failure("EADDRNOTAVAIL", "bind", "1.2.3.4", 0), "bind EADDRNOTAVAIL 1.2.3.4"),
        (failure("EACCES", "bind"), "bind EACCES"),
        (failure("ECONNRESET", "read"), "read ECONNRESET"),
        (failure("EPIPE", "write"), "write EPIPE"),
        (failure("ENOTCONN", "shutdown"), "shutdown ENOTCONN"),
        (failure("ENOTFOUND", "getaddrinfo", hostname="nope.invalid"), "getaddrinfo ENOTFOUND nope.invalid"),
        (failure("EAI_NODATA", "getaddrinfo", hostname="h"), "getaddrinfo ENOTFOUND h"),
        (failure("EAI_AGAIN", "getaddrinfo", hostname="h"), "getaddrinfo EAI_AGAIN h"),
        (failure("ENOTFOUND", "getaddrinfo"), "getaddrinfo ENOTFOUND"),
    ],
)
def test_a_failed_system_call_says_what_node_says(error, message):
    assert str(error) == message


def test_a_failed_system_call_is_the_os_error_that_python_picks_for_its_number():
    error = failure("ECONNREFUSED", "connect", "127.0.0.1", 1)
    assert isinstance(error, ConnectionRefusedError)
    assert isinstance(error, net.CodedError)
    assert type(error).__name__ == "ConnectionRefusedError"
    assert (error.code, error.errno, error.syscall) == ("ECONNREFUSED", errno.ECONNREFUSED, "connect")
    assert (error.address, error.port, error.hostname) == ("127.0.0.1", 1, None)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("ETIMEDOUT", TimeoutError),
        ("ECONNRESET", ConnectionResetError),
        ("EPIPE", BrokenPipeError),
        ("EACCES", PermissionError),
        ("ENOENT", FileNotFoundError),
        ("ECONNABORTED", ConnectionAbortedError),
        ("EADDRINUSE", OSError),
        ("UNKNOWN", OSError),
    ],
)
def test_each_number_has_its_builtin_class(code, kind):
    assert isinstance(failure(code, "read"), kind)


def test_a_port_of_zero_is_no_port_and_a_path_listens_on_port_minus_one():
    assert failure("EADDRNOTAVAIL", "bind", "1.2.3.4", 0).port is None
    assert failure("EADDRINUSE", "listen", "/tmp/x", -1).port == -1


def test_a_failed_lookup_is_a_gaierror_with_nodes_code():
    error = failure("ENOTFOUND", "getaddrinfo", hostname="nope.invalid")
    assert isinstance(error, socket.gaierror)
    assert isinstance(error, OSError)
    assert (error.code, error.syscall, error.hostname) == ("ENOTFOUND", "getaddrinfo", "nope.invalid")
    assert error.errno == socket.EAI_NONAME
    assert failure("EAI_AGAIN", "getaddrinfo").errno == socket.EAI_AGAIN


def test_the_group_of_failed_attempts_is_an_exception_group():
    attempts = [failure("ECONNREFUSED", "connect", host, 1) for host in ("::1", "127.0.0.1")]
    group = errors.aggregate_error(attempts)
    assert isinstance(group, ExceptionGroup)
    assert group.errors == attempts
    assert group.code == "ECONNREFUSED"
    assert str(group) == "connect ECONNREFUSED ::1:1; connect ECONNREFUSED 127.0.0.1:1"
    assert isinstance(group.subgroup(ConnectionRefusedError), net.AggregateError)
    assert group.subgroup(ValueError) is None


def test_a_group_of_one_is_that_one():
    error = failure("ECONNREFUSED", "connect", "::1", 1)
    assert errors.aggregate_error([error]) is error


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        ("string", "of type string"),
        (["string", "number"], "one of type string or number"),
        (["string", "object", "number"], "one of type string, object, or number"),
        ("Buffer", "an instance of Buffer"),
        (["Buffer", "Uint8Array"], "an instance of Buffer or Uint8Array"),
        (["string", "Buffer"], "of type string or an instance of Buffer"),
        (["string", "Buffer", "null"], "of type string or an instance of Buffer or null"),
        (["AbortSignal", "object"], "an instance of AbortSignal or Object"),
        (
            ["A", "B", "string", "number", "object"],
            "one of type string or number or an instance of A, B, or Object",
        ),
        ("null", "null"),
        (["null", "undefined"], "one of null or undefined"),
        (["string", "a thing"], "of type string or a thing"),
    ],
)
def test_a_type_error_names_what_was_expected(expected, text):
    error = errors.invalid_arg_type("port", expected, 5)
    assert str(error) == f'The "port" argument must be {text}. Received type number (5)'


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("x", "type string ('x')"),
        ("x" * 28, f"type string ('{'x' * 28}')"),
        ("x" * 29, f"type string ('{'x' * 25}...')"),
        ("it's", 'type string ("it\'s")'),
        (5, "type number (5)"),
        (1.5, "type number (1.5)"),
        (2.0, "type number (2)"),
        (float("nan"), "type number (NaN)"),
        (float("-inf"), "type number (-Infinity)"),
        (1e21, "type number (1e+21)"),
        (True, "type boolean (true)"),
        (None, "undefined"),
        ({}, "an instance of dict"),
        (b"x", "an instance of bytes"),
        (len, "function len"),
        (ValueError, "function ValueError"),
    ],
)
def test_a_type_error_names_what_was_received(value, text):
    error = errors.invalid_arg_type("port", "string", value)
    assert isinstance(error, TypeError)
    assert error.code == "ERR_INVALID_ARG_TYPE"
    assert str(error).endswith(f"Received {text}")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("port", 'The "port" argument'),
        ("options.port", 'The "options.port" property'),
        ("first argument", "The first argument"),
    ],
)
def test_a_type_error_calls_a_dotted_name_a_property(name, text):
    assert str(errors.invalid_arg_type(name, "string", 5)).startswith(f"{text} must be")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (5, "5"),
        ("ipv9", "'ipv9'"),
        ("it's", '"it\'s"'),
        ('it\'s "q"', '`it\'s "q"`'),
        ("a\0b\n", "'a\\x00b\\n'"),
        ({"port": False}, "{ port: false }"),
        ({}, "{}"),
        ([1, 2], "[ 1, 2 ]"),
        (None, "undefined"),
        ("x" * 200, "'" + "x" * 127 + "..."),
    ],
)
def test_a_value_error_shows_the_value_as_node_does(value, text):
    error = errors.invalid_arg_value("family", value)
    assert isinstance(error, ValueError)
    assert error.code == "ERR_INVALID_ARG_VALUE"
    assert str(error) == f"The argument 'family' is invalid. Received {text}"


def test_a_value_that_contains_itself_is_shown_to_some_depth():
    value = []
    value.append(value)
    assert str(errors.invalid_arg_value("x", value)).endswith("Received [ [ [ [list] ] ] ]")


def test_a_value_error_gives_its_reason():
    error = errors.invalid_arg_value("options.family", 7, "must be one of: 0, 4, 6")
    assert str(error) == "The property 'options.family' must be one of: 0, 4, 6. Received 7"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (-1, "-1"),
        (1.5, "1.5"),
        (2**32, "4294967296"),
        (2**32 + 1, "4_294_967_297"),
        (4294967297.5, "4294967297.5"),
        (float("nan"), "NaN"),
        ("str", "'str'"),
    ],
)
def test_out_of_range_groups_the_digits_of_large_integers(value, text):
    error = errors.out_of_range("msecs", ">= 0", value)
    assert isinstance(error, ValueError)
    assert error.code == "ERR_OUT_OF_RANGE"
    assert str(error) == f'The value of "msecs" is out of range. It must be >= 0. Received {text}'


def test_a_bad_port():
    error = errors.bad_port(70000)
    assert isinstance(error, ValueError)
    assert error.code == "ERR_SOCKET_BAD_PORT"
    assert str(error) == "Port should be >= 0 and < 65536. Received type number (70000)."
    assert str(errors.bad_port("x", "options.port")) == (
        "options.port should be >= 0 and < 65536. Received type string ('x')."
    )
    assert "should be > 0" in str(errors.bad_port(0, allow_zero=False))


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (["a"], '"a" argument'),
        (["a", "b"], '"a" and "b" arguments'),
        (["a", "b", "c"], '"a", "b", and "c" arguments'),
        ([("options", "port", "path")], '"options" or "port" or "path" argument'),
        ([("a", "b"), "c"], '"a" or "b" and "c" arguments'),
    ],
)
def test_missing_arguments(names, text):
    error = errors.missing_args(names)
    assert isinstance(error, TypeError)
    assert str(error) == f"The {text} must be specified"


@pytest.mark.parametrize(
    ("code", "detail", "kind", "message"),
    [
        (
            "ERR_SERVER_ALREADY_LISTEN",
            "",
            RuntimeError,
            "Listen method has been called more than once without closing.",
        ),
        ("ERR_SERVER_NOT_RUNNING", "", RuntimeError, "Server is not running."),
        ("ERR_STREAM_WRITE_AFTER_END", "", RuntimeError, "write after end"),
        ("ERR_STREAM_DESTROYED", "write", RuntimeError, "Cannot call write after a stream was destroyed"),
        ("ERR_STREAM_ALREADY_FINISHED", "end", RuntimeError, "Cannot call end after a stream was finished"),
        ("ERR_STREAM_NULL_VALUES", "", TypeError, "May not write null values to stream"),
        ("ERR_STREAM_NULL_VALUES", "", RuntimeError, "May not write null values to stream"),
        ("ERR_SOCKET_CLOSED", "", RuntimeError, "Socket is closed"),
        ("ERR_IP_BLOCKED", "1.2.3.4", RuntimeError, "IP(1.2.3.4) is blocked by net.BlockList"),
        ("ERR_INVALID_IP_ADDRESS", "x", ValueError, "Invalid IP address: x"),
        ("ERR_INVALID_ADDRESS", "", ValueError, "Invalid socket address"),
        ("ERR_UNKNOWN_ENCODING", "foo", ValueError, "Unknown encoding: foo"),
        ("ERR_INVALID_FD_TYPE", "TTY", TypeError, "Unsupported fd type: TTY"),
        ("ERR_INVALID_HANDLE_TYPE", "", RuntimeError, "This handle type cannot be sent"),
    ],
)
def test_each_code_has_its_class_and_its_message(code, detail, kind, message):
    error = errors.misuse(code, detail)
    assert isinstance(error, kind)
    assert isinstance(error, net.CodedError)
    assert (error.code, str(error)) == (code, message)


def test_an_unhandled_value_is_shown_and_kept():
    error = errors.unhandled_error("x")
    assert (error.code, str(error), error.context) == ("ERR_UNHANDLED_ERROR", "Unhandled error. ('x')", "x")


def test_an_abort_error_keeps_the_reason_as_its_cause():
    reason = KeyError("why")
    error = errors.abort_error(reason)
    assert (error.code, error.name, str(error)) == ("ABORT_ERR", "AbortError", "The operation was aborted")
    assert error.cause is reason
    assert error.__cause__ is reason
    assert errors.abort_error("text").__cause__ is None


@pytest.mark.parametrize(
    "error",
    [
        failure("ECONNREFUSED", "connect", "127.0.0.1", 1),
        failure("ENOTFOUND", "getaddrinfo", hostname="h"),
        errors.bad_port(70000),
        errors.abort_error("text"),
        errors.aggregate_error([failure("ECONNREFUSED", "connect", h, 1) for h in ("::1", "127.0.0.1")]),
    ],
    ids=lambda error: error.code,
)
def test_errors_can_be_pickled_and_copied(error):
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(twin) is type(error)
        assert (str(twin), twin.code, twin.port) == (str(error), error.code, error.port)
