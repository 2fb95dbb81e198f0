"""The slices that are read into, and the buffers that an embedder offers."""

from types import ModuleType

import pytest

pytestmark = pytest.mark.timeout(300)  # the first test waits for the compiler


@pytest.fixture
def pool(sim: ModuleType):
    made = sim.ffi.new("nc_slices *")
    yield made
    while sim.lib.nc__slices_withdraw(made):
        pass
    sim.lib.nc__slices_free(made)


def reserve(sim: ModuleType, pool, least: int = 1, most: int = 1 << 18) -> tuple[object, int]:
    room = sim.ffi.new("size_t *")
    return sim.lib.nc__slices_reserve(pool, least, most, room), room[0]


def cut(sim: ModuleType, pool, size: int):
    """A slice of so many bytes, as the pool hands it out."""
    reserve(sim, pool, size)
    made = sim.ffi.new("nc_slice *")
    made[0] = sim.lib.nc__slices_commit(pool, size)
    return made


def test_slices_follow_each_other_in_one_slab(sim: ModuleType, pool) -> None:
    first, second = cut(sim, pool, 100), cut(sim, pool, 50)
    assert second.data == first.data + 100
    assert (first.size, second.size) == (100, 50)
    for slice in (first, second):
        sim.lib.nc__slice_release(pool, slice)


def test_a_slab_begins_anew_when_its_last_slice_is_released(sim: ModuleType, pool) -> None:
    first = cut(sim, pool, 100)
    start = first.data
    second = cut(sim, pool, 100)
    sim.lib.nc__slice_release(pool, first)
    assert reserve(sim, pool)[0] == start + 200
    sim.lib.nc__slice_release(pool, second)
    assert reserve(sim, pool)[0] == start


def test_what_does_not_fit_goes_into_another_slab(sim: ModuleType, pool) -> None:
    _, whole = reserve(sim, pool)
    first = cut(sim, pool, whole - 10)
    second = cut(sim, pool, 11)
    assert second.slab != first.slab
    for slice in (first, second):
        sim.lib.nc__slice_release(pool, slice)


def test_an_empty_slice_is_released_without_harm(sim: ModuleType, pool) -> None:
    sim.lib.nc__slice_release(pool, sim.ffi.new("nc_slice *"))


def test_a_buffer_on_offer_goes_back_with_its_token(sim: ModuleType, pool) -> None:
    buffer, token = sim.ffi.new("char[]", 1000), sim.ffi.new("int *")
    assert sim.lib.nc__slices_offer(pool, buffer, 1000, token) == sim.lib.NC_OK
    room = sim.ffi.new("size_t *")
    assert sim.lib.nc__slices_reserve_offer(pool, room) == sim.ffi.cast("uint8_t *", buffer)
    assert room[0] == 1000
    slice = sim.ffi.new("nc_slice *")
    slice[0] = sim.lib.nc__slices_commit_offer(pool, 700)
    assert slice.size == 700
    assert sim.lib.nc__slice_token(slice) == sim.ffi.cast("void *", token)
    assert sim.lib.nc__slices_reserve_offer(pool, room) == sim.ffi.NULL


def test_an_offer_can_be_withdrawn_and_a_slice_of_the_pool_has_no_token(sim: ModuleType, pool) -> None:
    buffer, token = sim.ffi.new("char[]", 1000), sim.ffi.new("int *")
    sim.lib.nc__slices_offer(pool, buffer, 1000, token)
    assert sim.lib.nc__slices_withdraw(pool) == sim.ffi.cast("void *", token)
    assert sim.lib.nc__slices_withdraw(pool) == sim.ffi.NULL
    own = cut(sim, pool, 10)
    assert sim.lib.nc__slice_token(own) == sim.ffi.NULL
    sim.lib.nc__slice_release(pool, own)
