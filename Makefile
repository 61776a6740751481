# Two commands on a fresh machine: make run, make test. Each makes the environment it needs first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: run test test-all check format install clean snapshots
.DEFAULT_GOAL := run

run: $(STAMP)
	@$(BIN)/cvbench-tui

# Everything that one would run before a push. Most tests wait rather than compute: on two cores four processes were fastest.
test: $(STAMP)
	$(BIN)/python -m pytest -n 4 --dist loadscope -m "not slow"

# The rest as well: what is long, or needs the machine to itself.
test-all: test
	$(BIN)/python -m pytest -n 4 -m "slow and beside"
	$(BIN)/python -m pytest -m "slow and not beside"

# Collecting finds in half a minute a test that imports a name which has moved.
check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	MYPYPATH=benchmarks $(BIN)/mypy --explicit-package-bases --follow-imports=silent benchmarks/*.py docs/*.py
	$(BIN)/lint-imports --no-cache
	@$(BIN)/python -m pytest --collect-only -qq > $(VENV)/.collected || { tail -n 40 $(VENV)/.collected; exit 1; }

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Pictures that the snapshot tests compare with; look at the report before you commit them.
snapshots: $(STAMP)
	$(BIN)/python -m pytest tests/tui --snapshot-update

install: $(STAMP)

# Made anew when the dependencies change. pip shows what it downloads: PyTorch alone is gigabytes.
$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' \
		|| { echo "Python 3.10 or newer is needed; try: make PYTHON=python3.12"; exit 2; }
	@test -x $(BIN)/python || { echo "making $(VENV) ..."; $(PYTHON) -m venv $(VENV); }
	@echo "installing cvbench-tui and its tools into $(VENV) (the first time takes minutes: PyTorch is large) ..."
	$(BIN)/python -m pip install --progress-bar on -c constraints.txt -e '.[dev]'
	@touch $(STAMP)

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
