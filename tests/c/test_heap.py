"""The heap of deadlines, beside a sorted list."""

import random
from types import ModuleType

import pytest

pytestmark = pytest.mark.timeout(300)  # the first test waits for the compiler


@pytest.fixture
def heap(sim: ModuleType):
    made = sim.ffi.new("nc_heap *")
    yield made
    sim.lib.nc__heap_free(made)


def node(sim: ModuleType, time: int, order: int = 0):
    made = sim.ffi.new("nc_heap_node *")
    made.time = time
    made.order = order
    return made


def taken(sim: ModuleType, heap) -> list[tuple[int, int]]:
    """Empties the heap from the front."""
    order = []
    while heap.count:
        first = heap.nodes[0]
        order.append((first.time, first.order))
        sim.lib.nc__heap_remove(heap, first)
    return order


def test_the_earliest_comes_first_and_equal_times_in_their_order(sim: ModuleType, heap) -> None:
    nodes = [node(sim, time, order) for order, time in enumerate([5, 3, 5, 1, 3])]
    for each in nodes:
        assert sim.lib.nc__heap_put(heap, each) == sim.lib.NC_OK
    assert taken(sim, heap) == [(1, 3), (3, 1), (3, 4), (5, 0), (5, 2)]


def test_a_node_that_is_put_again_moves(sim: ModuleType, heap) -> None:
    nodes = [node(sim, time) for time in (10, 20, 30)]
    for each in nodes:
        sim.lib.nc__heap_put(heap, each)
    nodes[2].time = 1
    sim.lib.nc__heap_put(heap, nodes[2])
    nodes[0].time = 25
    sim.lib.nc__heap_put(heap, nodes[0])
    assert taken(sim, heap) == [(1, 0), (20, 0), (25, 0)]


def test_a_node_that_is_not_there_can_be_removed(sim: ModuleType, heap) -> None:
    lonely = node(sim, 1)
    sim.lib.nc__heap_remove(heap, lonely)
    sim.lib.nc__heap_put(heap, lonely)
    sim.lib.nc__heap_remove(heap, lonely)
    sim.lib.nc__heap_remove(heap, lonely)
    assert heap.count == 0


@pytest.mark.parametrize("seed", range(20))
def test_any_order_of_putting_moving_and_removing_keeps_it_sorted(sim: ModuleType, heap, seed: int) -> None:
    chance = random.Random(seed)
    nodes = [node(sim, 0, order) for order in range(100)]
    inside: dict[int, int] = {}
    for _ in range(2000):
        index = chance.randrange(len(nodes))
        if chance.random() < 0.3:
            sim.lib.nc__heap_remove(heap, nodes[index])
            inside.pop(index, None)
        else:
            inside[index] = nodes[index].time if index not in inside else chance.randrange(50)
            nodes[index].time = inside[index]
            sim.lib.nc__heap_put(heap, nodes[index])
    assert taken(sim, heap) == sorted((time, index) for index, time in inside.items())
