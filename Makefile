# Two commands for everyone, `make demo` and `make test`; all set up what they need in .venv, once.
PYTHON ?= python3
DEMO := runs/gefion-year
PYTEST := .venv/bin/python -m pytest
CORES := -n auto --dist worksteal
QUICK := not slow and not slurm and not browser
# what depends on the versions of libraries: files, tables, records, the command line, notebooks, figures, compiled code
OF_LIBRARIES := $(addprefix tests/,reader files results front describe connect catalogue sweep views \
	simulate/test_year.py simulate/test_core.py simulate/test_draw.py)

.PHONY: demo test quick lowest docs serve wheel bench fuzz clean

demo: .venv/.demo-ready  ## a simulated year of Gefion, with its report
	@.venv/bin/terp simulate gefion --days 365 --force -o $(DEMO)
	@.venv/bin/terp report $(DEMO) >/dev/null && echo && echo '  the report is in  $(DEMO)/report.html'

test: .venv/.dev-ready  ## everything that is checked, as CI does it
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	$(PYTEST) $(CORES) --durations=20

quick: .venv/.dev-ready  ## what takes under 90 s: all but whole years, whole tutorials, the real Slurm and the browser
	.venv/bin/ruff check .
	$(PYTEST) $(CORES) -m '$(QUICK)' --durations=5

lowest: .venv-lowest/.ready  ## quick tests of what depends on libraries, with the lowest versions that pyproject.toml allows
	.venv-lowest/bin/python -m pytest $(CORES) -m '$(QUICK)' -W default $(OF_LIBRARIES)

docs: .venv/.docs-ready  ## the site, in site/; nothing is fetched while it is built
	NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build --strict --quiet
	@echo '  the site is in  site/index.html'

serve: .venv/.docs-ready  ## the site while one writes it
	NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs serve

wheel:  ## a wheel in dist/
	$(PYTHON) -m pip wheel --quiet --no-deps --wheel-dir dist .

bench: .venv/.dev-ready  ## the benchmarks, with jobs a second at three sizes
	$(PYTEST) benchmarks --benchmark-enable --benchmark-only --benchmark-columns=min,median,rounds

.venv/.demo-ready: pyproject.toml scripts/environment
	@PYTHON="$(PYTHON)" sh scripts/environment

.venv/.%-ready: pyproject.toml scripts/environment
	@PYTHON="$(PYTHON)" sh scripts/environment $*

.venv-lowest/.ready: pyproject.toml scripts/environment scripts/lowest_versions.py
	@PYTHON="$(PYTHON)" sh scripts/environment lowest

fuzz: .venv/.dev-ready  ## damaged files of every kind to every reader, for ten minutes on two cores
	.venv/bin/python scripts/fuzz.py --seconds 600 --workers 2

clean:  ## all that the others made
	rm -rf .venv .venv-lowest runs dist site .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks
