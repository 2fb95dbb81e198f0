#include "core/handle_int.h"

#include "core/loop_int.h"

static bool counts(const nc_handle *handle) {
    return handle->ref && handle->active;
}

void nc__handle_init(nc_handle *handle, nc_loop *loop, nc_handle_kind kind, void *owner) {
    nc__list_append(&loop->handles, &handle->all);
    nc__list_init(&handle->ready);
    handle->loop = loop;
    handle->owner = owner;
    handle->kind = (uint8_t)kind;
    handle->ref = true;
    handle->active = handle->closing = false;
}

void nc__handle_set_active(nc_handle *handle, bool active) {
    if (handle->active == active) return;
    if (counts(handle)) handle->loop->active--;
    handle->active = active;
    if (counts(handle)) handle->loop->active++;
}

void nc__handle_set_ref(nc_handle *handle, bool ref) {
    if (counts(handle)) handle->loop->active--;
    handle->ref = ref;
    if (counts(handle)) handle->loop->active++;
}

void nc__handle_raise(nc_handle *handle) {
    if (nc__list_is_empty(&handle->ready)) nc__list_append(&handle->loop->incoming, &handle->ready);
}

void nc__handle_closing(nc_handle *handle) {
    handle->closing = true;
    nc__handle_set_active(handle, false);
    handle->loop->closing++;
}

void nc__handle_closed(nc_handle *handle) {
    nc__list_remove(&handle->ready);
    nc__list_append(&handle->loop->closed, &handle->ready);
}

void nc__handle_fini(nc_handle *handle) {
    nc__handle_set_active(handle, false);
    if (handle->closing) handle->loop->closing--;
    nc__list_remove(&handle->ready);
    nc__list_remove(&handle->all);
}
