"""Abort controllers and signals, as a real Node 26 has them."""

import asyncio
import gc
import weakref

import pytest

import netcore as net
from netcore import AbortController, AbortSignal


@pytest.fixture
def controller():
    return AbortController()


@pytest.fixture
def heard():
    return []


def test_a_signal_aborts_once(controller, heard):
    signal = controller.signal
    assert signal is controller.signal
    assert (signal.aborted, signal.reason, signal.throwIfAborted()) == (False, None, None)
    signal.onabort = lambda: heard.append(1)
    controller.abort("x")
    controller.abort("y")
    assert (signal.aborted, signal.reason) == (True, "x")
    assert heard == [1]


def test_the_reason_is_an_abort_error_unless_one_is_given(controller):
    controller.abort()
    reason = controller.signal.reason
    assert isinstance(reason, net.AbortError)
    assert (reason.name, reason.code, str(reason)) == ("AbortError", "ABORT_ERR", "This operation was aborted")
    with pytest.raises(net.AbortError) as caught:
        controller.signal.throwIfAborted()
    assert caught.value is reason


def test_an_exception_is_raised_as_it_is_and_any_other_reason_inside_an_abort_error():
    with pytest.raises(KeyError, match="why"):
        AbortSignal.abort(KeyError("why")).throwIfAborted()
    with pytest.raises(net.AbortError) as caught:
        AbortSignal.abort("why").throwIfAborted()
    assert caught.value.cause == "why"


def test_listeners_are_called_in_order_and_onabort_where_it_was_first_set(controller, heard):
    signal = controller.signal

    def same():
        heard.append("same")

    signal.addEventListener("abort", lambda event: heard.append((event.type, event.target is signal)))
    signal.onabort = lambda: heard.append("replaced")
    signal.addEventListener("abort", lambda: heard.append(2))
    signal.onabort = lambda: heard.append("onabort")
    signal.addEventListener("abort", same)
    signal.addEventListener("abort", same)
    signal.addEventListener("abort", lambda: heard.append("once"), {"once": True})
    controller.abort()
    assert heard == [("abort", True), "onabort", 2, "same", "once"]


def test_a_listener_can_be_removed(controller, heard):
    signal = controller.signal
    signal.addEventListener("abort", heard.append)
    signal.removeEventListener("abort", heard.append)
    signal.removeEventListener("abort", print)
    signal.onabort = heard.append
    assert signal.onabort == heard.append
    signal.onabort = None
    assert signal.onabort is None
    controller.abort()
    assert heard == []


def test_onabort_that_is_no_function_is_none(controller):
    controller.signal.onabort = 5
    assert controller.signal.onabort is None


def test_a_listener_removed_while_aborting_is_not_called_and_an_added_one_neither(controller, heard):
    signal = controller.signal

    def second():
        heard.append(2)

    def first():
        heard.append(1)
        signal.removeEventListener("abort", third)
        signal.addEventListener("abort", lambda: heard.append("late"))

    def third():
        heard.append(3)

    for listener in (first, second, third):
        signal.addEventListener("abort", listener)
    controller.abort()
    assert heard == [1, 2]


def test_an_aborted_signal_takes_no_more_listeners(heard):
    AbortSignal.abort().addEventListener("abort", heard.append)
    assert heard == []


def test_all_listeners_are_called_although_one_raises(controller, heard):
    signal = controller.signal

    def fails():
        raise KeyError("boo")

    signal.addEventListener("abort", fails)
    signal.addEventListener("abort", lambda: heard.append(2))
    with pytest.raises(KeyError, match="boo"):
        controller.abort()
    assert heard == [2]
    assert signal.aborted


def test_several_failures_are_a_group(controller):
    def fails():
        raise KeyError("boo")

    controller.signal.onabort = fails
    controller.signal.addEventListener("abort", fails)
    with pytest.raises(ExceptionGroup) as caught:
        controller.abort()
    assert len(caught.value.exceptions) == 2


def test_an_object_with_handle_event_is_a_listener(controller, heard):
    class Handler:
        def handleEvent(self, event):
            heard.append(event.type)

    handler, removed = Handler(), Handler()
    controller.signal.addEventListener("abort", handler)
    controller.signal.addEventListener("abort", removed)
    controller.signal.removeEventListener("abort", removed)
    controller.abort()
    assert heard == ["abort"]


def test_a_listener_can_be_removed_by_another_signal(controller, heard):
    other = AbortController()
    controller.signal.addEventListener("abort", heard.append, signal=other.signal)
    controller.signal.addEventListener("abort", lambda: heard.append(1), signal=AbortSignal.abort())
    other.abort()
    controller.abort()
    assert heard == []


def test_other_events_never_happen(controller, heard):
    controller.signal.addEventListener("foo", heard.append)
    controller.signal.removeEventListener("foo", heard.append)
    controller.signal.addEventListener("abort", None)
    controller.abort()
    assert heard == []


@pytest.mark.parametrize(
    ("use", "code", "message"),
    [
        (lambda signal: AbortSignal(), "ERR_ILLEGAL_CONSTRUCTOR", "Illegal constructor"),
        (
            lambda signal: signal.addEventListener("abort", 5),
            "ERR_INVALID_ARG_TYPE",
            'The "listener" argument must be an instance of EventListener. Received type number (5)',
        ),
        (
            lambda signal: signal.addEventListener("abort", print, signal=5),
            "ERR_INVALID_ARG_TYPE",
            'The "options.signal" property must be an instance of AbortSignal. Received type number (5)',
        ),
        (lambda signal: AbortSignal.any([5]), "ERR_INVALID_ARG_TYPE", "signals[0] is not of type AbortSignal."),
        (lambda signal: AbortSignal.any(5), "ERR_INVALID_ARG_TYPE", "signals cannot be converted to sequence."),
        (
            lambda signal: AbortSignal.timeout("x"),
            "ERR_INVALID_ARG_TYPE",
            "The \"delay\" argument must be of type number. Received type string ('x')",
        ),
        (
            lambda signal: AbortSignal.timeout(1.5),
            "ERR_OUT_OF_RANGE",
            'The value of "delay" is out of range. It must be an integer. Received 1.5',
        ),
        (
            lambda signal: AbortSignal.timeout(-1),
            "ERR_OUT_OF_RANGE",
            'The value of "delay" is out of range. It must be >= 0 && <= 4294967295. Received -1',
        ),
        (
            lambda signal: AbortSignal.timeout(float("inf")),
            "ERR_OUT_OF_RANGE",
            'The value of "delay" is out of range. It must be an integer. Received Infinity',
        ),
    ],
)
def test_misuse_has_nodes_code_and_message(controller, use, code, message):
    with pytest.raises((TypeError, ValueError)) as caught:
        use(controller.signal)
    assert (caught.value.code, str(caught.value)) == (code, message)


def test_a_signal_that_was_never_initialised_works(heard):
    signal = AbortSignal.__new__(AbortSignal)
    signal.onabort = heard.append
    signal.throwIfAborted()
    assert not signal.aborted
    assert "aborted=false" in repr(signal)


# -- timeout -----------------------------------------------------------------------------------------------------------


def test_a_time_out_aborts_with_a_timeout_error():
    async def main():
        signal = AbortSignal.timeout(1)
        assert not signal.aborted
        expired = asyncio.Event()
        signal.onabort = expired.set
        await expired.wait()
        return signal.reason

    reason = asyncio.run(main())
    assert isinstance(reason, TimeoutError)
    assert (reason.name, reason.code) == ("TimeoutError", "TIMEOUT_ERR")
    assert str(reason) == "The operation was aborted due to timeout"


def test_a_time_out_keeps_no_loop_alive(heard):
    AbortSignal.timeout(60_000).onabort = heard.append
    AbortSignal.timeout(4294967295).onabort = heard.append
    net.run()
    signal = AbortSignal.timeout(1)
    net.setTimeout(lambda: None, 20)
    net.run()
    assert signal.aborted
    assert heard == []


# -- any ---------------------------------------------------------------------------------------------------------------


def test_any_aborts_after_the_first_of_its_signals_with_its_reason(heard):
    a, b = AbortController(), AbortController()
    both = AbortSignal.any([a.signal, b.signal])
    both.onabort = lambda: heard.append(("both", a.signal.aborted))
    a.signal.onabort = lambda: heard.append(("a", both.aborted))
    a.abort("why")
    b.abort("late")
    assert heard == [("a", True), ("both", True)]
    assert both.reason == "why"


def test_any_of_an_aborted_signal_is_aborted():
    signal = AbortSignal.any([AbortController().signal, AbortSignal.abort("x"), AbortSignal.abort("y")])
    assert (signal.aborted, signal.reason) == (True, "x")


def test_any_of_nothing_never_aborts():
    assert AbortSignal.any([]).aborted is False


def test_any_may_be_nested(controller):
    inner = AbortSignal.any([controller.signal])
    outer = AbortSignal.any(iter([inner, AbortController().signal]))
    controller.abort("q")
    assert outer.reason == "q"


def test_a_signal_does_not_keep_those_that_depend_on_it(controller):
    gone = weakref.ref(AbortSignal.any([controller.signal]))
    gc.collect()
    assert gone() is None


def test_a_signal_keeps_those_that_depend_on_it_while_somebody_listens(controller, heard):
    AbortSignal.any([controller.signal]).addEventListener("abort", lambda event: heard.append(event.target.reason))
    other = AbortSignal.any([controller.signal])
    other.onabort = print
    other.onabort = None
    gone = weakref.ref(other)
    del other
    gc.collect()
    assert gone() is None
    controller.abort("x")
    assert heard == ["x"]


# -- elsewhere ---------------------------------------------------------------------------------------------------------


def test_a_signal_ends_the_wait_for_an_event(controller):
    emitter = net.EventEmitter()

    async def main():
        asyncio.get_running_loop().call_soon(controller.abort, "why")
        with pytest.raises(net.AbortError) as caught:
            await net.once(emitter, "x", signal=controller.signal)
        return caught.value

    error = asyncio.run(main())
    assert (str(error), error.cause) == ("The operation was aborted", "why")
    assert emitter.eventNames() == []


def test_an_aborted_signal_ends_it_before_it_begins():
    emitter = net.EventEmitter()

    async def main():
        with pytest.raises(net.AbortError):
            await net.once(emitter, "x", signal=AbortSignal.abort())

    asyncio.run(main())
    assert emitter.eventNames() == []


def test_a_signal_is_left_alone_when_the_event_came(controller):
    emitter = net.EventEmitter()

    async def main():
        waiting = net.once(emitter, "x", signal=controller.signal)
        emitter.emit("x", 1)
        controller.abort()
        return await waiting

    assert asyncio.run(main()) == [1]
