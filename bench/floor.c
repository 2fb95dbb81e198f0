/* The least that a call into C costs from Python, which the benchmarks of addresses divide by: an empty function of one
 * argument and an empty method of two. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

static PyObject *one(PyObject *self, PyObject *argument) {
    (void)self, (void)argument;
    Py_RETURN_FALSE;
}

static PyObject *two(PyObject *self, PyObject *const *arguments, Py_ssize_t count) {
    (void)self, (void)arguments, (void)count;
    Py_RETURN_FALSE;
}

static PyMethodDef methods[] = {
    {"one", one, METH_O, NULL},
    {"two", (PyCFunction)(void (*)(void))two, METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};

static PyTypeObject floor_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "floor.Floor",
    .tp_basicsize = sizeof(PyObject),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_methods = methods,
    .tp_new = PyType_GenericNew,
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "floor", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_floor(void) {
    PyObject *made = PyType_Ready(&floor_type) < 0 ? NULL : PyModule_Create(&module);
    if (made != NULL && PyModule_AddObjectRef(made, "Floor", (PyObject *)&floor_type) < 0) Py_CLEAR(made);
    return made;
}
