# Every target does its own set-up; the second run reuses what the first fetched. Needs: Python 3.11 or newer with venv, Java 17, Maven.

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

# The first Python that is new enough; `make PYTHON=/path/to/python install` overrules.
PYTHON ?= $(shell for candidate in python3.11 python3.12 python3.13 python3; do \
	command -v $$candidate >/dev/null && $$candidate -c 'import sys; sys.exit(sys.version_info < (3, 11))' && echo $$candidate && break; done)

.DEFAULT_GOAL := help
.PHONY: help install demo test lint format screenshots bench search storm soak lock clean

help: ## Show the targets.
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(STAMP) ## Make .venv with the pinned packages and the command impact-calendar.

# setuptools comes from the lock too, so that nothing unpinned is fetched to build the project.
$(STAMP): requirements-dev.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is not on the PATH; make PYTHON=/path/to/python names one." >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

demo: install ## Tell a story on a real Kafka with simulated calendars. KEEP=1 stays up.
	$(BIN)/impact-calendar demo $(if $(KEEP),--keep)

test: install ## Run every test but storm and soak, with coverage; of the domain no branch may be left out.
	$(BIN)/python -m pytest -m "not storm and not soak" -n 3 --dist loadscope --no-loadscope-reorder --cov --cov-report=term --cov-report=xml $(ARGS)
	$(if $(ARGS),,$(BIN)/coverage report --include="streams/domain/*" --fail-under=100)

lint: install ## Lint, format check, strict types, layer contracts.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: install ## Format, and mend what the linter can mend.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

screenshots: install ## Take the pictures of docs/screenshots anew, by a browser that goes through every state.
	$(BIN)/python -m pytest tests/portal --screenshots docs/screenshots $(ARGS)

bench: install ## Measure; the figures go to docs/benchmarks.md.
	$(BIN)/python -m tests.bench $(ARGS)

search: install ## Try other examples of the property tests, new ones each time; `make test` always tries the same.
	IMPACT_TEST_HYPOTHESIS=search $(BIN)/python -m pytest tests/properties tests/unit $(ARGS)

storm: install ## Kill workers over and over in the middle of the work.
	$(BIN)/python -m pytest tests/chaos -m storm --timeout 3600 $(ARGS)

soak: install ## The same for hours.
	$(BIN)/python -m pytest tests/chaos -m soak --timeout 0 $(ARGS)

lock: ## Pin anew what pyproject.toml asks for. Needs uv.
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-strip-extras \
		--custom-compile-command "make lock" pyproject.toml -o requirements.lock $(ARGS)
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-strip-extras \
		--custom-compile-command "make lock" pyproject.toml --group dev -o requirements-dev.lock $(ARGS)

clean: ## Take away what was made here; fetched jars stay in the user's cache.
	rm -rf $(VENV) *.egg-info .coverage .coverage.* coverage.xml .hypothesis .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
