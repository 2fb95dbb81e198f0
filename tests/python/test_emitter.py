"""The EventEmitter, as a real Node 26 behaves, and what Python adds to it."""

import asyncio
import functools
import gc
import sys
import warnings
import weakref

import pytest

import netcore as net
from netcore import EventEmitter


@pytest.fixture
def emitter():
    return EventEmitter()


@pytest.fixture
def heard():
    return []


# -- emitting ----------------------------------------------------------------------------------------------------------


def test_listeners_are_called_in_the_order_in_which_they_were_added(emitter, heard):
    emitter.on("x", lambda: heard.append(1))
    emitter.on("x", lambda: heard.append(2))
    emitter.prependListener("x", lambda: heard.append(3))
    emitter.prependOnceListener("x", lambda: heard.append(4))
    emitter.emit("x")
    emitter.emit("x")
    assert heard == [4, 3, 1, 2, 3, 1, 2]


def test_emit_answers_whether_anybody_listened(emitter):
    assert emitter.emit("x") is False
    emitter.on("x", lambda: None)
    assert emitter.emit("x") is True


@pytest.mark.parametrize("count", range(12))
def test_any_number_of_arguments_arrives(emitter, heard, count):
    emitter.on("x", lambda *args: heard.append(args))
    emitter.emit("x", *range(count))
    assert heard == [tuple(range(count))]


def test_none_is_an_argument(emitter, heard):
    emitter.on("x", lambda *args: heard.append(args))
    emitter.emit("x", None)
    emitter.emit("x", 1, None, 3)
    assert heard == [(None,), (1, None, 3)]


def test_a_listener_that_raises_ends_the_emitting(emitter, heard):
    @emitter.on("x")
    def fails():
        raise KeyError("boo")

    emitter.on("x", lambda: heard.append("second"))
    with pytest.raises(KeyError, match="boo"):
        emitter.emit("x")
    assert heard == []


def test_a_listener_added_while_emitting_is_not_called_and_a_removed_one_still_is(emitter, heard):
    def second():
        heard.append("b")

    @emitter.on("x")
    def first():
        heard.append("a")
        emitter.off("x", second)
        emitter.on("x", lambda: heard.append("c"))

    emitter.on("x", second)
    emitter.emit("x")
    assert heard == ["a", "b"]
    emitter.emit("x")
    assert heard == ["a", "b", "a", "c"]


def test_the_only_listener_may_remove_itself_while_it_is_called(emitter, heard):
    class Handler:
        def __call__(self):
            heard.append(emitter.listenerCount("x"))
            emitter.removeAllListeners()

    emitter.on("x", Handler())
    gc.collect()
    assert emitter.emit("x") is True
    assert emitter.emit("x") is False
    assert heard == [1]


def test_any_hashable_object_is_a_name(emitter, heard):
    key = object()
    emitter.on("", lambda: heard.append("empty"))
    emitter.on(5, lambda: heard.append("five"))
    emitter.on(key, lambda: heard.append("key"))
    for name in ("", 5, 5.0, key, object()):
        emitter.emit(name)
    assert heard == ["empty", "five", "five", "key"]
    assert emitter.eventNames() == ["", 5, key]


def test_a_name_that_was_put_together_at_run_time_is_the_same_name(emitter, heard):
    emitter.on("-".join(["event", "one"]), lambda: heard.append(1))
    assert emitter.emit("-".join(["event", "one"]))
    assert emitter.listenerCount(f"event-{'one'}") == 1
    emitter.removeAllListeners("-".join(["event", "one"]))
    assert emitter.eventNames() == []


def test_a_subclass_of_str_is_the_name_that_it_equals(emitter, heard):
    class Name(str):
        pass

    emitter.on("x", lambda: heard.append(1))
    assert emitter.emit(Name("x"))
    emitter.on(Name("y"), lambda: heard.append(2))
    assert emitter.emit(Name("y"))
    assert heard == [1, 2]


def test_an_emitter_of_many_events_keeps_all_of_them(emitter, heard):
    names = [f"event{i}" for i in range(40)]
    for name in names:
        emitter.on(name, functools.partial(heard.append, name))
    assert emitter.eventNames() == names
    for name in names:
        emitter.emit(name)
    assert heard == names
    for name in names[:39]:
        emitter.removeAllListeners(name)
    assert emitter.eventNames() == names[39:]
    assert not emitter.emit(names[0])


# -- what a listener is called with ------------------------------------------------------------------------------------


class Bound:
    def __init__(self, heard):
        self.heard = heard

    def one(self, a):
        self.heard.append((a,))

    def any(self, *args):
        self.heard.append(args)

    @classmethod
    def of_class(cls, a):
        cls.seen = a

    @staticmethod
    def static(a):
        return a

    def __call__(self, a, b):
        self.heard.append((a, b))


def test_a_listener_gets_as_many_arguments_as_it_can_take(emitter, heard):
    def default(a, b="default"):
        heard.append((a, b))

    def keyword_only(a, *, b="default"):
        heard.append((a, b))

    bound = Bound(heard)
    for listener in (
        lambda: heard.append(()),
        lambda a: heard.append((a,)),
        lambda a, *rest: heard.append((a, rest)),
        default,
        keyword_only,
        bound.one,
        bound.any,
        bound,
        heard.append,
        functools.partial(default, "given"),
        functools.partial(lambda a, b: heard.append((a, b)), b="given"),
    ):
        emitter.on("x", listener)
    emitter.emit("x", 1, 2, 3)
    assert heard == [
        (),
        (1,),
        (1, (2, 3)),
        (1, 2),
        (1, "default"),
        (1,),
        (1, 2, 3),
        (1, 2),
        1,
        ("given", 1),
        (1, "given"),
    ]


def test_classes_and_class_methods_are_listeners(emitter):
    made = []

    class Made:
        def __init__(self, a):
            made.append(a)

    emitter.on("x", Made).on("x", Bound.of_class).on("x", Bound.static).on("x", Exception)
    emitter.emit("x", 1, 2)
    assert made == [1]
    assert Bound.seen == 1


def test_a_builtin_method_without_parameters_is_a_listener(emitter):
    items = [1]
    emitter.on("close", items.clear)
    emitter.emit("close", False)
    assert items == []


def test_an_argument_that_the_event_does_not_have_is_none(emitter, heard):
    class Handler:
        def method(self, a, b):
            heard.append((a, b))

    emitter.on("x", lambda a, b, c=3: heard.append((a, b, c)))
    emitter.on("x", Handler().method)
    emitter.once("x", Bound(heard))
    emitter.emit("x", 1)
    assert heard == [(1, None, 3), (1, None), (1, None)]


def test_a_listener_that_needs_more_than_anybody_emits_is_a_type_error(emitter):
    emitter.on("x", lambda a, b, c, d, e, f, g, h, i, j: None)
    with pytest.raises(TypeError, match="missing"):
        emitter.emit("x")


# -- errors ------------------------------------------------------------------------------------------------------------


def test_an_unheard_exception_is_raised_itself(emitter):
    error = KeyError("boo")
    with pytest.raises(KeyError) as caught:
        emitter.emit("error", error, 2)
    assert caught.value is error


@pytest.mark.parametrize(
    ("args", "text"),
    [((), "(undefined)"), (("x",), "('x')"), (({"a": 1},), "({ a: 1 })"), ((None,), "(undefined)")],
)
def test_any_other_unheard_error_is_wrapped(emitter, args, text):
    with pytest.raises(RuntimeError) as caught:
        emitter.emit("error", *args)
    assert caught.value.code == "ERR_UNHANDLED_ERROR"
    assert str(caught.value) == f"Unhandled error. {text}"


def test_a_heard_error_is_an_event_like_any_other(emitter, heard):
    emitter.on("error", heard.append)
    assert emitter.emit("error", "x") is True
    assert heard == ["x"]


def test_the_error_monitor_hears_errors_first_but_does_not_handle_them(emitter, heard):
    emitter.on(EventEmitter.errorMonitor, lambda error: heard.append(("monitor", error)))
    with pytest.raises(RuntimeError):
        emitter.emit("error", "a")
    emitter.on("error", heard.append)
    emitter.emit("error", "b")
    assert heard == [("monitor", "a"), ("monitor", "b"), "b"]


@pytest.mark.parametrize("method", ["on", "addListener", "once", "prependListener", "prependOnceListener", "off"])
@pytest.mark.parametrize("listener", [5, None, "x"])
def test_a_listener_must_be_callable(emitter, method, listener):
    with pytest.raises(TypeError) as caught:
        getattr(emitter, method)("x", listener)
    assert caught.value.code == "ERR_INVALID_ARG_TYPE"
    assert str(caught.value).startswith('The "listener" argument must be of type function. Received ')
    assert emitter.eventNames() == []


# -- adding and removing -----------------------------------------------------------------------------------------------


def test_methods_answer_the_emitter(emitter):
    def f():
        pass

    assert emitter.on("x", f) is emitter
    assert emitter.addListener("x", f) is emitter
    assert emitter.once("x", f) is emitter
    assert emitter.prependListener("x", f) is emitter
    assert emitter.prependOnceListener("x", f) is emitter
    assert emitter.off("x", f) is emitter
    assert emitter.removeListener("x", f) is emitter
    assert emitter.off("unknown", f) is emitter
    assert emitter.removeAllListeners("unknown") is emitter
    assert emitter.removeAllListeners() is emitter
    assert emitter.setMaxListeners(3) is emitter


@pytest.mark.parametrize("method", ["on", "addListener", "once", "prependListener", "prependOnceListener"])
def test_without_a_listener_they_are_decorators(emitter, heard, method):
    @getattr(emitter, method)("x")
    def listener(a):
        heard.append(a)

    listener(1)
    emitter.emit("x", 2)
    emitter.emit("x", 3)
    assert heard == ([1, 2] if "nce" in method else [1, 2, 3])


def test_the_one_added_last_is_removed_first(emitter, heard):
    def a():
        heard.append("a")

    def b():
        heard.append("b")

    emitter.on("x", a).on("x", b).on("x", a)
    emitter.off("x", a)
    emitter.emit("x")
    assert heard == ["a", "b"]


def test_a_bound_method_is_the_same_listener_each_time(emitter, heard):
    bound = Bound(heard)
    emitter.on("x", bound.one)
    assert emitter.listenerCount("x", bound.one) == 1
    emitter.off("x", bound.one)
    assert emitter.emit("x", 1) is False
    emitter.on("x", heard.append).off("x", heard.append)
    assert emitter.eventNames() == []


def test_an_odd_callable_is_found_again(emitter, heard):
    listener = functools.partial(Bound(heard).one)
    emitter.on("x", listener)
    assert emitter.listeners("x") == [listener]
    assert emitter.rawListeners("x") == [listener]
    emitter.off("x", listener)
    assert emitter.listenerCount("x") == 0


def test_a_once_listener_is_removed_before_it_is_called(emitter, heard):
    @emitter.once("x")
    def listener():
        heard.append(emitter.listenerCount("x"))
        emitter.emit("x")

    emitter.emit("x")
    assert heard == [0]


def test_a_once_listener_that_raises_is_gone_too(emitter):
    @emitter.once("x")
    def listener():
        raise KeyError

    with pytest.raises(KeyError):
        emitter.emit("x")
    assert emitter.listenerCount("x") == 0


def test_a_once_listener_fires_once_although_two_emits_hold_it(emitter, heard):
    emitter.once("x", lambda: emitter.emit("x"))
    emitter.once("x", lambda: heard.append(1))
    emitter.emit("x")
    assert heard == [1]


def test_a_once_listener_can_be_removed_by_its_callable(emitter):
    def listener():
        pass

    emitter.once("x", listener)
    assert emitter.listeners("x") == [listener]
    assert emitter.listenerCount("x", listener) == 1
    emitter.off("x", listener)
    assert emitter.eventNames() == []


def test_raw_listeners_shows_the_wrappers_of_once(emitter, heard):
    def listener(*args):
        heard.append(args)
        return 7

    emitter.on("x", heard.append)
    emitter.once("x", listener)
    plain, wrapper = emitter.rawListeners("x")
    assert plain == heard.append
    assert wrapper is not listener
    assert wrapper.listener is listener
    assert emitter.listenerCount("x", wrapper) == 1
    assert wrapper(1) == 7
    assert emitter.listenerCount("x") == 1
    assert wrapper(2) is None
    assert heard == [(1,)]


def test_a_wrapper_outlives_its_emitter(heard):
    emitter = EventEmitter().once("x", heard.append)
    (wrapper,) = emitter.rawListeners("x")
    del emitter
    gc.collect()
    wrapper(1)
    assert heard == [1]


def test_a_wrapper_may_listen_itself(emitter, heard):
    emitter.once("x", heard.append)
    other = EventEmitter().on("y", emitter.rawListeners("x")[0])
    other.emit("y", 1)
    other.emit("y", 2)
    assert heard == [1]
    assert emitter.listenerCount("x") == 0


def test_a_wrapper_can_be_removed(emitter, heard):
    emitter.once("x", heard.append)
    emitter.off("x", emitter.rawListeners("x")[0])
    assert emitter.eventNames() == []


def test_listeners_answers_a_list_of_its_own(emitter):
    emitter.on("x", print)
    emitter.listeners("x").clear()
    emitter.rawListeners("x").clear()
    emitter.eventNames().clear()
    assert emitter.listenerCount("x") == 1
    assert emitter.listeners("unknown") == []


def test_listener_count_counts_all_or_one(emitter):
    def f():
        pass

    emitter.on("x", f).once("x", f).on("x", lambda: None)
    assert emitter.listenerCount("x") == 3
    assert emitter.listenerCount("x", f) == 2
    assert emitter.listenerCount("x", print) == 0
    assert emitter.listenerCount("unknown") == 0
    assert emitter.listenerCount("x", None) == 3


def test_event_names_are_in_the_order_of_their_first_listener(emitter):
    def f():
        pass

    emitter.on("b", f).on("a", f).on("b", f)
    assert emitter.eventNames() == ["b", "a"]
    emitter.off("b", f).off("b", f).on("b", f)
    assert emitter.eventNames() == ["a", "b"]


# -- newListener and removeListener ------------------------------------------------------------------------------------


def test_new_listener_comes_before_the_listener_is_there(emitter, heard):
    def foo():
        heard.append("foo")

    emitter.on("newListener", lambda name, listener: heard.append((name, listener, emitter.listenerCount(name))))
    emitter.once("x", foo)
    emitter.emit("x")
    assert heard == [("x", foo, 0), "foo"]


def test_new_listener_may_add_listeners_itself(emitter, heard):
    @emitter.once("newListener")
    def first(name):
        if name == "x":
            emitter.on("x", lambda: heard.append("B"))

    emitter.on("x", lambda: heard.append("A"))
    emitter.emit("x")
    assert heard == ["B", "A"]


def test_remove_listener_comes_when_the_listener_is_gone(emitter, heard):
    def a():
        pass

    def b():
        pass

    emitter.on("removeListener", lambda name, listener: heard.append((name, listener, emitter.listenerCount(name))))
    emitter.on("x", a).on("x", b).on("x", a)
    emitter.removeAllListeners("x")
    assert heard == [("x", a, 2), ("x", b, 1), ("x", a, 0)]


def test_remove_listener_is_itself_the_last_to_go(emitter, heard):
    emitter.on("removeListener", lambda name: heard.append(name))
    emitter.on("y", print).on("z", print)
    emitter.removeAllListeners()
    assert heard == ["y", "z"]
    assert emitter.eventNames() == []


def test_what_is_added_while_all_listeners_are_removed_goes_too(emitter):
    emitter.on("removeListener", lambda: emitter.on("z", print))
    emitter.on("y", print)
    emitter.removeAllListeners()
    assert emitter.eventNames() == []


def test_one_of_several_once_listeners_is_named_by_its_wrapper_when_it_fires(emitter, heard):
    def foo():
        pass

    def bar():
        pass

    emitter.on("removeListener", lambda _name, listener: heard.append(listener))
    emitter.once("x", foo).on("x", bar)
    emitter.emit("x")
    emitter.off("x", bar).once("x", foo)
    emitter.emit("x")
    assert heard[0].listener is foo
    assert heard[1:] == [bar, foo]


# -- the limit ---------------------------------------------------------------------------------------------------------


class Foo(EventEmitter):
    pass


def test_the_eleventh_listener_of_an_event_is_warned_about_once():
    foo = Foo()
    assert foo.getMaxListeners() == EventEmitter.defaultMaxListeners == 10
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(15):
            foo.on("x", print)
    assert [warning.category for warning in caught] == [ResourceWarning]
    assert str(caught[0].message) == (
        "Possible EventEmitter memory leak detected. 11 x listeners added to [Foo]. "
        "MaxListeners is 10. Use emitter.setMaxListeners() to increase limit"
    )
    assert caught[0].filename == __file__


@pytest.mark.parametrize("limit", [0, float("inf"), 12])
def test_the_limit_can_be_raised_or_lifted(emitter, limit):
    emitter.setMaxListeners(limit)
    assert emitter.getMaxListeners() == limit
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(12):
            emitter.on("x", print)


def test_an_event_that_went_back_to_one_listener_is_warned_about_again(emitter):
    emitter.setMaxListeners(1)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        emitter.on("x", print).on("x", print).on("x", print).off("x", print).on("x", print)
        assert len(caught) == 1
        emitter.off("x", print).off("x", print).on("x", print)
        assert len(caught) == 2


@pytest.mark.parametrize(
    ("limit", "code", "text"),
    [
        (-1, "ERR_OUT_OF_RANGE", "is out of range. It must be >= 0. Received -1"),
        (float("nan"), "ERR_OUT_OF_RANGE", "is out of range. It must be >= 0. Received NaN"),
        ("x", "ERR_INVALID_ARG_TYPE", "argument must be of type number. Received type string ('x')"),
        (None, "ERR_INVALID_ARG_TYPE", "argument must be of type number. Received undefined"),
        (True, "ERR_INVALID_ARG_TYPE", "argument must be of type number. Received type boolean (true)"),
    ],
)
def test_a_limit_must_be_a_number_and_not_negative(emitter, limit, code, text):
    with pytest.raises((TypeError, ValueError)) as caught:
        emitter.setMaxListeners(limit)
    assert caught.value.code == code
    assert str(caught.value).endswith(f'"setMaxListeners" {text}')


# -- the object --------------------------------------------------------------------------------------------------------


def test_an_emitter_with_a_listener_is_small(emitter):
    emitter.on("data", print)
    (table,) = gc.get_referents(emitter)[:1]
    assert sys.getsizeof(emitter) + sys.getsizeof(table) <= 160
    assert not hasattr(emitter, "__dict__")


def test_an_emitter_that_was_never_initialised_works(heard):
    emitter = Foo.__new__(Foo)
    emitter.on("x", heard.append)
    emitter.emit("x", 1)
    assert heard == [1]


def test_a_listener_that_refers_to_its_emitter_is_collected_with_it():
    def life():
        emitter = EventEmitter()
        emitter.on("x", lambda: emitter)
        emitter.once("x", lambda: emitter)
        return weakref.ref(emitter)

    gone = life()
    gc.collect()
    assert gone() is None


def test_an_emitter_that_nothing_refers_to_goes_at_once():
    emitter = EventEmitter().on("x", print).once("y", print)
    emitter.emit("y", "")
    gone = weakref.ref(emitter)
    gc.disable()
    try:
        del emitter
        assert gone() is None
    finally:
        gc.enable()


def test_a_repeated_life_leaves_no_references_behind(emitter, heard):
    def listener(*args):
        pass

    before = sys.getrefcount(listener)
    for _ in range(100):
        emitter.on("x", listener).once("x", listener).prependListener("y", listener)
        emitter.emit("x", 1, 2, 3, 4, 5)
        emitter.removeAllListeners()
    assert sys.getrefcount(listener) == before


def test_an_emit_of_ones_own_sees_what_the_emitter_emits_by_itself(heard):
    class Traced(EventEmitter):
        def emit(self, name, *args):
            heard.append(name)
            return super().emit(name, *args)

    traced = Traced().on("newListener", print)
    traced.on("x", heard.append)
    traced.emit("x", 1)
    assert heard == ["newListener", "x", 1]


# -- coroutines --------------------------------------------------------------------------------------------------------


def test_a_coroutine_function_is_scheduled(emitter, heard):
    async def main():
        done = asyncio.Event()

        @emitter.on("x")
        async def listener(a):
            await asyncio.sleep(0)
            heard.append(a)
            done.set()

        emitter.emit("x", 1, 2)
        heard.append("emitted")
        await done.wait()

    asyncio.run(main())
    assert heard == ["emitted", 1]


def test_what_a_coroutine_raises_is_an_error_event(emitter, heard):
    async def main():
        @emitter.on("x")
        async def listener():
            raise KeyError("boo")

        waiting = net.once(emitter, "error")
        emitter.emit("x")
        return await waiting

    (error,) = asyncio.run(main())
    assert isinstance(error, KeyError)


def test_a_coroutine_that_listens_to_errors_and_fails_is_not_told_of_itself(emitter):
    calls = []

    async def main():
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: calls.append(context["exception"]))

        @emitter.on("error")
        async def listener(error):
            calls.append(error)
            raise KeyError("again")

        emitter.emit("error", "first")
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    asyncio.run(main())
    gc.collect()
    assert calls[0] == "first"
    assert len(calls) == 2
    assert isinstance(calls[1], KeyError)


def test_on_netcores_own_loop_a_coroutine_that_fails_is_an_error_event(emitter, heard):
    @emitter.on("x")
    async def listener():
        await net.sleep(1)
        raise KeyError("boo")

    emitter.on("error", lambda error: heard.append(error.args))
    emitter.emit("x")
    net.run()
    assert heard == [("boo",)]


def test_on_netcores_own_loop_an_unheard_failure_leaves_run(emitter):
    @emitter.on("x")
    async def listener():
        raise KeyError("boo")

    emitter.emit("x")
    with pytest.raises(KeyError, match="boo"):
        net.run()


# -- once --------------------------------------------------------------------------------------------------------------


def run_later(function, *args):
    asyncio.get_running_loop().call_soon(function, *args)


def test_once_waits_for_the_arguments_of_the_next_event(emitter):
    async def main():
        run_later(emitter.emit, "x", 1, 2)
        assert await net.once(emitter, "x") == [1, 2]
        assert emitter.eventNames() == []

    asyncio.run(main())


def test_once_listens_from_the_call_on(emitter):
    async def main():
        waiting = net.once(emitter, "x")
        emitter.emit("x", 1)
        emitter.emit("x", 2)
        assert await waiting == [1]

    asyncio.run(main())


def test_once_raises_an_error_meanwhile(emitter):
    async def main():
        run_later(emitter.emit, "error", KeyError("boo"))
        with pytest.raises(KeyError, match="boo"):
            await net.once(emitter, "x")
        assert emitter.eventNames() == []

    asyncio.run(main())


def test_once_may_wait_for_an_error(emitter):
    async def main():
        error = KeyError("boo")
        run_later(emitter.emit, "error", error)
        assert await net.once(emitter, "error") == [error]
        assert emitter.eventNames() == []

    asyncio.run(main())


def test_once_stops_listening_when_it_is_cancelled(emitter):
    async def main():
        task = asyncio.create_task(asyncio.wait_for(net.once(emitter, "x"), 60))
        await asyncio.sleep(0)
        assert emitter.eventNames() == ["x", "error"]
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert emitter.eventNames() == []

    asyncio.run(main())


def test_once_needs_an_emitter():
    with pytest.raises(TypeError) as caught:
        net.once(5, "x")
    assert caught.value.code == "ERR_INVALID_ARG_TYPE"
    assert str(caught.value) == ('The "emitter" argument must be an instance of EventEmitter. Received type number (5)')


def test_once_works_on_netcores_own_loop(emitter):
    async def main():
        net.setImmediate(emitter.emit, "x", 1)
        return await net.once(emitter, "x")

    assert net.run(main()) == [1]


class Changing:
    """A name that is equal to every other one, and changes an emitter while it is being compared."""

    def __init__(self, change=None):
        self.change = change

    def __hash__(self):
        return 1

    def __eq__(self, other):
        change, self.change = self.change, None
        if change is not None:
            change()
        return True


@pytest.mark.parametrize("others", [0, 40])
@pytest.mark.parametrize(
    "method", ["emit", "listeners", "rawListeners", "listenerCount", "on", "off", "removeAllListeners"]
)
def test_names_may_change_the_emitter_while_they_are_compared(method, others):
    emitter = net.EventEmitter()
    for number in range(others):
        emitter.on(f"other {number}", print)

    def change():
        emitter.removeAllListeners()
        for number in range(others // 2):
            emitter.on(number, print)

    heard = []
    emitter.on(Changing(), lambda: heard.append(1))
    arguments = [print] if method in ("on", "off") else []
    getattr(emitter, method)(Changing(change), *arguments)
    assert heard in ([], [1])
    emitter.removeAllListeners()
    assert emitter.eventNames() == []
