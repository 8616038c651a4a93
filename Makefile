# Two commands for everyone; both set up what they need in .venv, once.
PYTHON ?= python3
DEMO := runs/gefion-year

.PHONY: demo test check bench clean

demo: .venv/.demo-ready  ## a simulated year of Gefion, with its report
	@.venv/bin/terp simulate gefion --days 365 -o $(DEMO)
	@.venv/bin/terp report $(DEMO) >/dev/null && echo && echo '  the report is in  $(DEMO)/report.html'

test: .venv/.dev-ready  ## everything that is checked, as CI does it
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/python -m pytest

bench: .venv/.dev-ready  ## the benchmarks, with jobs a second at three sizes
	.venv/bin/python -m pytest benchmarks --benchmark-enable --benchmark-only --benchmark-columns=min,median,rounds

.venv/.demo-ready: pyproject.toml scripts/environment
	@PYTHON="$(PYTHON)" sh scripts/environment

.venv/.dev-ready: pyproject.toml scripts/environment
	@PYTHON="$(PYTHON)" sh scripts/environment dev

clean:  ## all that the others made
	rm -rf .venv runs dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks
