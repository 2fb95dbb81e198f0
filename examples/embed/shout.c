/* An extension module that puts C of its own on a running loop of Python's: `serve(port)` answers every byte in upper
 * case, and `after(ms, callback)` is a timer. Neither links netcore: the functions come out of its table.
 *
 *     import netcore as net, shout
 *     print("listening on", shout.serve(8125))
 *     shout.after(1000, lambda: print("a second later"))
 *     net.run()
 */
#include <Python.h>
#include <ctype.h>
#include <netcore/capi.h>
#include <stdlib.h>

enum { QUEUE_MAX = 64 * 1024 };

static const nc_capi *nc;

/* --- a connection --------------------------------------------------------------------------------------------------- */

typedef struct connection {
    nc_sink sink;
    nc_stream *stream;
} connection;

static nc_status answer(nc_stream *stream, const char *data, size_t size) {
    char loud[4096];
    nc_status status = NC_OK;
    while (size > 0 && status == NC_OK) {
        size_t part = size < sizeof loud ? size : sizeof loud;
        for (size_t i = 0; i < part; i++) loud[i] = (char)toupper((unsigned char)data[i]);
        status = nc->stream_write(stream, loud, part, NULL); /* copied, since there is no pin */
        data += part;
        size -= part;
    }
    return status;
}

/* A client that does not read what it is answered is not read from, until it has. */
static void hold_back(nc_stream *stream) {
    size_t queued = nc->stream_bytes_queued(stream);
    if (queued < QUEUE_MAX) return;
    nc->stream_read_stop(stream);
    nc->stream_notify_at(stream, nc->stream_bytes_sent(stream) + queued);
}

static int connection_event(nc_sink *sink, const nc_event *event) {
    connection *self = (connection *)sink;
    switch (event->type) {
        case NC_EVENT_DATA:
            if (answer(self->stream, event->data, event->size) != NC_OK)
                nc->stream_close(self->stream);
            else
                hold_back(self->stream);
            break;
        case NC_EVENT_WROTE: nc->stream_read_start(self->stream); break;
        case NC_EVENT_EOF: nc->stream_shutdown(self->stream); break;
        case NC_EVENT_FINISH:
        case NC_EVENT_SEND_ERROR:
        case NC_EVENT_RECV_ERROR: nc->stream_close(self->stream); break;
        case NC_EVENT_CLOSED: free(self); break;
        default: break;
    }
    return 0;
}

/* --- the server ----------------------------------------------------------------------------------------------------- */

static int server_event(nc_sink *sink, const nc_event *event) {
    (void)sink;
    if (event->type != NC_EVENT_CONNECTION) return 0;
    connection *client = calloc(1, sizeof *client);
    if (!client) {
        nc->stream_close(event->stream);
        return 0;
    }
    client->sink.on_event = connection_event;
    client->stream = event->stream;
    nc->stream_set_owner(event->stream, nc_sink_owner(&client->sink));
    nc->stream_read_start(event->stream);
    return 0;
}

static nc_sink server_sink = {server_event}; /* has no state, so one will do for all */

static nc_status listen_on(nc_loop *loop, nc_addr *local) {
    intptr_t fd;
    size_t length;
    nc_server *server;
    nc_status status = nc->bind(local, 0, &fd);
    if (status != NC_OK) return status;
    status = nc->socket_name(fd, local, NULL, 0, &length);
    if (status == NC_OK) status = nc->server_new(loop, nc_sink_owner(&server_sink), fd, 511, &server);
    if (status != NC_OK) nc->socket_close(fd);
    return status;
}

static PyObject *serve(PyObject *module, PyObject *args) {
    nc_addr local;
    (void)module;
    if (nc->addr_parse("127.0.0.1", 9, &local) != NC_OK || !PyArg_ParseTuple(args, "H", &local.port)) return NULL;
    PyObject *object = nc->current_loop();
    nc_loop *loop = object ? nc->loop_of(object) : NULL;
    nc_status status = loop ? listen_on(loop, &local) : NC_OK;
    if (loop && status != NC_OK) PyErr_SetString(PyExc_OSError, nc->status_string(status));
    int failed = !loop || status != NC_OK || nc->touch(object) != 0;
    Py_XDECREF(object);
    return failed ? NULL : PyLong_FromLong(local.port);
}

/* --- a timer -------------------------------------------------------------------------------------------------------- */

typedef struct alarm_clock {
    nc_sink sink;
    nc_timer *timer;
    PyObject *loop; /* held, so that the timer is freed before its loop */
    PyObject *callback;
} alarm_clock;

static void free_alarm(alarm_clock *self) {
    nc->timer_free(self->timer);
    Py_XDECREF(self->loop);
    Py_XDECREF(self->callback);
    free(self);
}

static int alarm_event(nc_sink *sink, const nc_event *event) {
    alarm_clock *self = (alarm_clock *)sink;
    PyObject *result = event->type == NC_EVENT_TIMER ? PyObject_CallNoArgs(self->callback) : NULL;
    free_alarm(self);
    Py_XDECREF(result);
    return result ? 0 : -1; /* an exception of the callback leaves run() */
}

static int start_alarm(alarm_clock *self, unsigned ms) {
    nc_loop *loop = self->loop ? nc->loop_of(self->loop) : NULL;
    if (!loop) return -1;
    nc->loop_update_time(loop);
    if (nc->timer_new(loop, nc_sink_owner(&self->sink), &self->timer) != NC_OK ||
        nc->timer_start(self->timer, ms) != NC_OK) {
        PyErr_NoMemory();
        return -1;
    }
    return nc->touch(self->loop);
}

static PyObject *after(PyObject *module, PyObject *args) {
    unsigned ms;
    PyObject *callback;
    (void)module;
    if (!PyArg_ParseTuple(args, "IO", &ms, &callback)) return NULL;
    alarm_clock *self = calloc(1, sizeof *self);
    if (!self) return PyErr_NoMemory();
    self->sink.on_event = alarm_event;
    self->loop = nc->current_loop();
    self->callback = Py_NewRef(callback);
    if (start_alarm(self, ms) == 0) Py_RETURN_NONE;
    free_alarm(self);
    return NULL;
}

/* --- the module ----------------------------------------------------------------------------------------------------- */

static PyMethodDef functions[] = {
    {"serve", serve, METH_VARARGS, "serve(port): answers on 127.0.0.1 in upper case; returns the port."},
    {"after", after, METH_VARARGS, "after(ms, callback): calls it once, so many milliseconds from now."},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "shout", NULL, -1, functions, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_shout(void) {
    nc = PyCapsule_Import(NC_CAPI_NAME, 0);
    return nc ? PyModule_Create(&definition) : NULL;
}
