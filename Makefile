# Everything a contributor or the CI runs. Needs make and Python 3.11 or newer, nothing else:
# the virtual environment is made from the lock file on first use.
#
#   make demo            a working orchestration service on this machine, with a simulated OpenStack
#   make test            the default tests (minutes)
#   make check           style, types, layers, module length
#   make test-postgres   those of the default tests that use a database, on a PostgreSQL server
#   make test-docs       every command that the documentation shows
#   make test-aws        unmodified AWS clients against a server on a simulated OpenStack (tests/aws)
#   make test-cloud      real clients against a real OpenStack on this machine (tests/cloud)
#   make test-cloud-long those of them that take minutes, and services that only they need
#   make chaos           kills the real process at random moments, STRIKES times
#   make chaos-postgres  the same, and pauses and cuts off one of two that share a PostgreSQL server
#   make bench           the benchmarks
#   make generated       the index and the reference of the resource types, and that of the settings, anew
#   make lock            write the lock files anew

PYTHON ?= python3
VENV ?= .venv
# One more than the cores that are meant: tests in virtual time wait for sockets now and then.
JOBS ?= 3
# Runs that strike processes, side by side: more of them need more than two idle cores.
CHAOS_JOBS ?= 0
STRIKES ?= 200
LOCK_FLAGS ?=
AWS_CLIENTS ?= .venv-aws
MODULE_LIMIT := 700
CLOUD_SERVICES := base glance placement neutron nova cinder swift
LONG_CLOUD_SERVICES := $(CLOUD_SERVICES) barbican designate octavia gnocchi aodh zaqar manila trove \
	mistral magnum ironic blazar zun

# Modules are compiled once, not by each of the processes that tests start.
export PYTHONDONTWRITEBYTECODE :=

BIN := $(VENV)/bin
READY := $(VENV)/.stackd-ready
PYTEST := $(BIN)/python -m pytest
# Where the database stands behind what is tested; tests/conftest.py marks what opens one.
POSTGRES_TESTS := tests/db tests/engine tests/scenarios tests/routers
SLOW_RINGS := postgres or cloud or chaos or docs or aws

.PHONY: demo test check format-check types layers module-length test-postgres test-docs test-aws test-cloud test-cloud-long chaos chaos-postgres bench generated lock venv

demo: $(READY)
	$(BIN)/stackd dev --demo

test: $(READY)
	$(PYTEST) -n $(JOBS) --dist worksteal -m "not ($(SLOW_RINGS))" $(ARGS)

check: format-check types layers module-length

format-check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy

layers: $(READY)
	$(BIN)/lint-imports

module-length:
	@find src cfntools/src tests bench -name '*.py' -exec awk -v limit=$(MODULE_LIMIT) \
	  'FNR == limit + 1 { printf "%s: longer than %d lines\n", FILENAME, limit; bad = 1 } END { exit bad }' {} +

# Without STACKD_TEST_DATABASE_URL a throw-away server of this machine's PostgreSQL is used.
test-postgres: $(READY)
	.ci/with-postgres $(PYTEST) -n $(JOBS) --dist worksteal \
	  -m "database and not (sqlite or cloud or chaos or docs or aws)" $(POSTGRES_TESTS) $(ARGS)

test-docs: $(READY)
	$(PYTEST) -n $(JOBS) -m docs $(ARGS)

# The clients have an environment of their own: what they need and what stackd needs is not to be the same.
$(AWS_CLIENTS)/.ready: tests/aws/clients.lock
	[ -x $(AWS_CLIENTS)/bin/python ] || $(PYTHON) -m venv $(AWS_CLIENTS)
	$(AWS_CLIENTS)/bin/python -m pip install --quiet --require-hashes -r tests/aws/clients.lock
	touch $@

test-aws: $(READY) $(AWS_CLIENTS)/.ready
	STACKD_AWS_CLIENTS=$(abspath $(AWS_CLIENTS)) $(PYTEST) -n $(JOBS) --dist loadfile -m aws $(ARGS)

# Guests share the ports that their tools expect; scenarios have a project of their own in each process.
test-cloud: $(READY)
	tests/cloud/cloud install $(CLOUD_SERVICES)
	tests/cloud/cloud up $(CLOUD_SERVICES)
	$(PYTEST) -m "cloud and not long" tests/cloud/guests $(ARGS)
	$(PYTEST) -n $(JOBS) -m "cloud and not long" tests/cloud/scenarios $(ARGS)

test-cloud-long: $(READY)
	tests/cloud/cloud install $(LONG_CLOUD_SERVICES)
	tests/cloud/cloud up $(LONG_CLOUD_SERVICES)
	$(PYTEST) -n $(JOBS) -m "cloud and long" tests/cloud/scenarios $(ARGS)

# Each test has servers, ports, a cloud and a database of its own.
STRIKE := STACKD_STRIKES=$(STRIKES) $(PYTEST) -n $(CHAOS_JOBS) -m chaos tests/chaos

chaos: $(READY)
	$(STRIKE) $(ARGS)
	$(PYTEST) -n $(JOBS) -m chaos tests/scenarios $(ARGS)

chaos-postgres: $(READY)
	.ci/with-postgres env $(STRIKE) $(ARGS)

bench: $(READY)
	$(BIN)/python -m bench $(ARGS)

generated: $(READY)
	$(BIN)/python -m stackd.resources
	$(BIN)/stackd types --reference docs/reference
	$(BIN)/stackd config --reference > docs/reference/configuration.md

venv: $(READY)

# Every tenth package that pip fetches is a line; its own lines would be hundreds, and --quiet is silent.
define SHOW_PROGRESS
/^Collecting/ { if (++n % 10 == 0) { print "  " n " packages"; fflush() } }
/^Installing collected/ { print "  installing"; fflush() }
/^FAILED/ { bad = 1 }
END { exit bad }
endef
export SHOW_PROGRESS

# Hashes are checked for everything that is downloaded; stackd itself is linked in place.
$(READY): requirements/ci.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("stackd needs Python 3.11 or newer")'
	[ -x $(BIN)/python ] || $(PYTHON) -m venv $(VENV)
	@echo "Fetching what stackd needs into $(VENV), once: about a minute."
	@{ PYTHONUNBUFFERED=1 $(BIN)/python -m pip install --disable-pip-version-check --no-color --progress-bar off \
	  --require-hashes -r requirements/ci.txt || echo FAILED; } | awk "$$SHOW_PROGRESS"
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

# The services of tests/cloud resolve on the one Python they are run with only; the rest is universal.
LOCK := $(BIN)/uv pip compile --quiet --python-version 3.11 --no-emit-index-url --no-emit-find-links \
	--no-header $(LOCK_FLAGS)
HASHED := --universal --generate-hashes

lock:
	[ -x $(BIN)/uv ] || { $(PYTHON) -m venv $(VENV) && $(BIN)/python -m pip install --quiet uv; }
	$(LOCK) $(HASHED) --extra test pyproject.toml requirements/build.in -o requirements/ci.txt
	$(LOCK) $(HASHED) -c requirements/ci.txt pyproject.toml -o requirements/run.txt
	$(LOCK) $(HASHED) -c requirements/ci.txt requirements/build.in -o requirements/build.txt
	cd tests/cloud && ../../$(LOCK) --no-annotate -c constraints.txt requirements.in -o requirements.lock
	cd tests/cloud && ../../$(LOCK) --no-annotate --universal clients.in -o clients.lock
	cd tests/cloud && ../../$(LOCK) --no-annotate --universal guests.in -o guests.lock
	cd tests/aws && ../../$(LOCK) --no-annotate $(HASHED) clients.in -o clients.lock
