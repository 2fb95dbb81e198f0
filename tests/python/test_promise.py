"""Promises: what `net.once` and other waiting answers, on asyncio and on a runner of one's own."""

import asyncio

import pytest

from netcore._core.promise import Promise


class Runner:
    """The least that drives a coroutine: it waits for what is yielded by `add_done_callback`, and has no loop."""

    def __init__(self, coroutine):
        self.coroutine = coroutine
        self.step(None)

    def step(self, _promise):
        try:
            self.coroutine.send(None).add_done_callback(self.step)
        except StopIteration as stop:
            self.result = stop.value
        except Exception as error:
            self.error = error


async def wait(promise):
    return await promise


def test_a_plain_runner_can_drive_it():
    promise = Promise()
    runner = Runner(wait(promise))
    assert not hasattr(runner, "result")
    promise.resolve(5)
    assert runner.result == 5


def test_a_rejection_is_raised_where_it_is_awaited():
    promise = Promise()
    runner = Runner(wait(promise))
    promise.reject(KeyError("boo"))
    assert isinstance(runner.error, KeyError)


@pytest.mark.parametrize("value", [None, (1, 2), StopIteration(3), KeyError("value")])
def test_any_value_is_the_result(value):
    async def main():
        promise = Promise()
        asyncio.get_running_loop().call_soon(promise.resolve, value)
        return await promise

    assert asyncio.run(main()) == value


def test_only_the_first_outcome_counts():
    promise = Promise()
    assert promise.done() is False
    assert promise.resolve(1) is True
    assert promise.resolve(2) is False
    assert promise.reject(KeyError()) is False
    assert promise.cancel() is False
    assert (promise.done(), promise.result(), promise.exception(), promise.cancelled()) == (True, 1, None, False)


def test_an_open_promise_has_no_result():
    with pytest.raises(RuntimeError) as caught:
        Promise().result()
    assert caught.value.code == "ERR_INVALID_STATE"
    with pytest.raises(RuntimeError):
        Promise().exception()


def test_several_coroutines_may_wait_for_one_promise():
    async def main():
        promise = Promise()
        asyncio.get_running_loop().call_soon(promise.resolve, 5)
        return await asyncio.gather(wait(promise), wait(promise), promise)

    assert asyncio.run(main()) == [5, 5, 5]


def test_it_works_in_wait_for_and_wait():
    async def main():
        promise = Promise()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(promise, 0.001)
        assert promise.cancelled()
        other = Promise()
        asyncio.get_running_loop().call_soon(other.resolve, 5)
        done, _pending = await asyncio.wait([asyncio.ensure_future(other)])
        return [future.result() for future in done]

    assert asyncio.run(main()) == [5]


def test_a_task_is_not_stepped_inside_another_one():
    async def main():
        promise = Promise()
        order = []

        async def other():
            await promise
            order.append("awaited")

        task = asyncio.create_task(other())
        await asyncio.sleep(0)
        promise.resolve()
        order.append("resolved")
        await task
        return order

    assert asyncio.run(main()) == ["resolved", "awaited"]


def test_cancelling_tells_the_one_who_would_resolve_it():
    undone = []
    promise = Promise()
    promise.on_cancel = lambda: undone.append(1)
    assert promise.cancel("why")
    assert promise.cancelled()
    assert undone == [1]
    with pytest.raises(asyncio.CancelledError, match="why"):
        promise.result()


def test_a_callback_can_be_taken_back():
    calls = []
    promise = Promise()
    promise.add_done_callback(calls.append)
    promise.add_done_callback(calls.append)
    assert promise.remove_done_callback(calls.append) == 2
    assert promise.remove_done_callback(calls.append) == 0
    promise.resolve()
    assert calls == []
    assert promise.remove_done_callback(calls.append) == 0


def test_a_callback_on_a_settled_promise_is_called_at_once():
    calls = []
    promise = Promise()
    promise.resolve()
    promise.add_done_callback(calls.append)
    assert calls == [promise]
    with pytest.raises(RuntimeError, match="no running event loop"):
        promise.get_loop()
