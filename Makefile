# Every command of the project. `make demo` and `make test` set up what they need in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

# The packages of an extra, as pyproject.toml lists them, without building netcore again.
extra = $$($(BIN)/python -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['optional-dependencies']['$(1)'])")

SOURCES := setup.py $(shell find csrc src netcore/_core -name '*.[ch]' -o -name '*.p[yx]x' -o -name '*.pxd' -o -name '*.mk' -o -name '__init__.py')

.PHONY: build test sanitize test-kqueue clean
.PHONY: demo bench
.PHONY: lint format

build: $(VENV)/built

# The first time, and when the requirements change, pip installs and builds; after that only what changed is built.
$(VENV)/built: pyproject.toml $(SOURCES)
	@if [ ! -e $(VENV)/installed ] || [ pyproject.toml -nt $(VENV)/installed ]; then \
		$(PYTHON) -m venv $(VENV) && \
		$(PIP) install 'setuptools>=77' 'Cython>=3.3.1,<3.4' wheel && \
		$(PIP) install --no-build-isolation --editable '.[test,peers,typing]' && \
		touch $(VENV)/installed; \
	else \
		$(BIN)/python setup.py --quiet build_ext --inplace; \
	fi
	@touch $@

test: build
	$(BIN)/python -m pytest -n 2 tests

$(VENV)/demo: $(VENV)/built
	$(PIP) install 'rich>=13' matplotlib
	touch $@

demo: build $(VENV)/demo
	$(BIN)/python bench/demo.py

$(VENV)/bench: $(VENV)/built
	$(PIP) install $(call extra,bench)
	touch $@

# Arguments for the runner: make bench BENCH="--rows echo-100 --rounds 3"
bench: build $(VENV)/bench
	$(BIN)/python bench/run.py $(BENCH)

# The tools of `lint` and `format`, as pyproject.toml lists them.
$(VENV)/linters: $(VENV)/installed pyproject.toml
	$(PIP) install $(call extra,lint)
	touch $@

C_FILES := $(shell find csrc tests bench examples -name '*.[ch]')

lint: build $(VENV)/linters
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict netcore tools/stubs.py tools/reference.py
	PATH="$(BIN):$$PATH" cython-lint --ignore E261 --max-line-length 130 src
	$(BIN)/clang-format --dry-run --Werror $(C_FILES)
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/zizmor --offline --quiet .github

# Also brings up to date what is made of the docstrings.
format: build $(VENV)/linters
	$(BIN)/python tools/stubs.py
	$(BIN)/ruff check --fix --exit-zero .
	$(BIN)/ruff format .
	$(BIN)/python tools/reference.py
	$(BIN)/clang-format -i $(C_FILES)

# The extension under sanitizers: make sanitize SANITIZE=thread ARGS=tests/python/test_threads.py
SANITIZE ?= address,undefined

sanitize: build
	$(BIN)/python tools/sanitized.py $(SANITIZE) $(ARGS)

# The extension over the kqueue backend, on Linux.
test-kqueue: build
	$(BIN)/python tools/kqueue.py $(ARGS)

clean:
	rm -rf build $(VENV) netcore/_core/*.so

# --- other systems (tools/) -------------------------------------------------------------------------------------------
.PHONY: wheels test-windows test-musl test-all-pythons test-free-threaded more-pythons cross-core

# Arguments for each: make wheels ARGS="--only manylinux_x86_64,win_amd64 --versions 3.12"
wheels:
	$(PYTHON) tools/wheels.py $(ARGS)

test-windows:
	$(PYTHON) tools/windows.py $(ARGS)

test-musl:
	$(PYTHON) tools/musl.py $(ARGS)

test-all-pythons:
	$(PYTHON) tools/all_pythons.py $(ARGS)

test-free-threaded:
	$(PYTHON) tools/free_threaded.py $(ARGS)

more-pythons:
	$(PYTHON) tools/more_pythons.py $(ARGS)

cross-core: build
	$(PYTHON) tools/cross_core.py $(ARGS)
	$(PYTHON) tools/msvc.py
