# make run: TCS at http://127.0.0.1:8000/      make test: all tests
# Needs Python 3.11, 3.12 or 3.13, and make; everything else is installed into .venv.
.DELETE_ON_ERROR:
.PHONY: run install install-dev browser test lint format messages clean

python := .venv/bin/python
djade := .venv/bin/djade --target-version 5.2
templates = $(shell find templates -name "*.html")

run: install
	@exec $(python) manage.py serve

install: .venv/installed
install-dev: .venv/installed-dev

# Each stamp is written after its installation, so an installation that was interrupted starts again.
.venv/installed: .venv/made requirements.txt requirements-web.txt requirements-model.txt
	@echo "Installing what TCS needs; this takes a few minutes the first time."
	@$(python) -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/installed-dev: .venv/made requirements.txt requirements-web.txt requirements-model.txt requirements-dask.txt requirements-dev.txt
	@echo "Installing what TCS and its tests need; this takes a few minutes the first time."
	@$(python) -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch .venv/installed $@

.venv/made:
	@for candidate in python3.13 python3.12 python3.11 python3 python; do \
		if $$candidate -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null; then \
			found=$$candidate; break; fi; \
	done; \
	if [ -z "$$found" ]; then echo "TCS needs Python 3.11, 3.12 or 3.13: there is none on the PATH." >&2; exit 1; fi; \
	rm -rf .venv && $$found -m venv .venv || { \
		echo "$$found could not create a virtual environment; Debian has that in a package named like $$found-venv." >&2; \
		exit 1; }
	@touch $@

packages:
	@.ci/packages

# Chromium for the browser tests: Debian's, or Playwright's where there is none.
browser: install-dev packages
	@command -v chromium >/dev/null || $(python) -m playwright install chromium

# Debian packages are installed while pip installs its own.
test:
	@$(MAKE) --no-print-directory -j2 browser
	@$(python) -m tests $(PYTEST_ARGS)

lint: install-dev
	@$(python) -m ruff check .
	@$(python) -m ruff format --check .
	@$(python) -m mypy
	@$(djade) --check $(templates)
	@$(python) -m tests.ground.template_lines
	@$(python) -m tests.ground.wheels

format: install-dev
	@$(python) -m ruff format .
	@$(python) -m ruff check --fix .
	@$(djade) $(templates)

# After changing texts: collects them in locale/ and compiles the catalogue. Needs gettext (Debian: apt-get install gettext).
messages: install-dev
	@$(python) manage.py makemessages --locale nl --add-location file --no-wrap --no-obsolete --ignore tests
	@$(python) manage.py compilemessages --locale nl --ignore .venv

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache
