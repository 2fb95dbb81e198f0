# Every command of the project. `make demo` and `make test` set up what they need in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

SOURCES := setup.py $(shell find csrc src netcore/_core -name '*.[ch]' -o -name '*.p[yx]x' -o -name '*.pxd' -o -name '*.mk' -o -name '__init__.py')

.PHONY: build test clean

build: $(VENV)/built

$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(PIP) install 'setuptools>=77' 'Cython>=3.3.1,<3.4' wheel
	$(PIP) install --no-build-isolation --editable '.[test]'
	touch $@

$(VENV)/built: $(VENV)/installed $(SOURCES)
	$(BIN)/python setup.py --quiet build_ext --inplace
	touch $@

test: build
	$(BIN)/python -m pytest tests

clean:
	rm -rf build $(VENV) netcore/_core/*.so
