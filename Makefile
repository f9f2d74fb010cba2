# make run     a zone with a console, served in the foreground
# make test    unit tests, then integration tests
# make check   style, types, documentation, packaging
# make bench   our server and its peers, measured against each other
# make soak    use a server in every way at once, for SOAK_MINUTES
# make fuzz    look for inputs that break something; FUZZ_SECONDS for each target
#
# Each sets up what it needs; only Python 3.11 or later and make have to be there.

VENV = .venv
BIN = $(VENV)/bin
# A Python to make the virtual environment with; any suitable one if empty.
PYTHON =
# make run: the zone, what runs in it (a login shell if empty), and the run directory
# (the server's default if empty).
ZONE = myzone
CMD =
RUNDIR =
# make bench: its options, "--quick" for example; docs/capacity.rst tells them.
BENCH =
# Programs that the integration tests use, each with the Debian package that has it.
SYSTEM_PACKAGES = socat:socat agetty:util-linux setpriv:util-linux ps:procps \
    strace:strace cc:build-essential systemd-analyze:systemd \
    systemd-socket-activate:systemd qemu-system-x86_64:qemu-system-x86 \
    busybox:busybox-static crun:crun runc:runc \
    systemd-nspawn:systemd-container unshare:util-linux

# make soak: for how long; the integration tests do it for some seconds.
SOAK_MINUTES = 60
# make fuzz: the targets, in tests/fuzz/, and for how long each is fuzzed.
FUZZ = $(patsubst tests/fuzz/fuzz_%.py,%,$(wildcard tests/fuzz/fuzz_*.py))
FUZZ_SECONDS = 60

SOURCES = zcons_twisted twisted tests docs .ci .ci/external-names $(wildcard bench)

export PYTHON ZONE CMD RUNDIR

.PHONY: run test unit integration check lint types docs packaging coverage soak fuzz bench \
    news clean

run:
	@.ci/make-venv $(VENV)
	@.ci/serve $(VENV)

test: unit integration

unit:
	@.ci/make-venv $(VENV) test
	.ci/unit-tests $(BIN)/python -b -m twisted.trial

integration:
	@.ci/make-venv $(VENV) test
	@.ci/system-packages $(SYSTEM_PACKAGES)
	$(BIN)/python -b -m pytest tests

check: lint types docs packaging

lint:
	@.ci/make-venv $(VENV) dev
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	@# An __init__.py there would overwrite Twisted's own, and an uninstallation would
	@# then take that away.
	@if find twisted -name __init__.py | grep .; then \
	    echo "there must be no __init__.py under twisted/"; exit 1; fi
	$(BIN)/towncrier build --draft --version next >/dev/null

types:
	@.ci/make-venv $(VENV) dev
	$(BIN)/mypy

docs:
	@.ci/make-venv $(VENV) dev
	$(BIN)/python .ci/external-names .build/names.inv
	PYTHONPATH=.ci $(BIN)/pydoctor --quiet --intersphinx-file=.build/names.inv::https:
	$(BIN)/sphinx-build -q -W --keep-going -b html -d .build/doctrees docs .build/docs
	$(BIN)/sphinx-build -q -W --keep-going -b man -d .build/doctrees docs .build/man

packaging:
	@.ci/make-venv $(VENV) dev
	.ci/packaging-smoke $(BIN)/python

coverage:
	@.ci/make-venv $(VENV) dev
	@mkdir -p .build/coverage && rm -f .build/coverage/*
	.ci/unit-tests $(BIN)/python -b -m coverage run -m twisted.trial
	$(BIN)/coverage combine
	$(BIN)/coverage html -q -d .build/coverage/html
	$(BIN)/coverage report

soak:
	@.ci/make-venv $(VENV) test
	@.ci/system-packages $(SYSTEM_PACKAGES)
	SOAK_MINUTES=$(SOAK_MINUTES) $(BIN)/python -b -m pytest -s -o faulthandler_timeout=0 \
	    tests/test_soak.py

# What is new goes to .build/corpus/ first; merged, what adds nothing stays out.  The
# fuzzer has an environment of its own: it is not there for every Python.
fuzz: FUZZER = .build/venv-fuzz/bin/python tests/fuzz/run.py
fuzz:
	@.ci/make-venv .build/venv-fuzz fuzz
	@for target in $(FUZZ); do \
	    found=.build/corpus/$$target; mkdir -p $$found; \
	    echo "fuzzing $$target for $(FUZZ_SECONDS) s"; \
	    $(FUZZER) $$target -max_total_time=$(FUZZ_SECONDS) -max_len=4096 \
	        -verbosity=0 $$found tests/fuzz/corpus/$$target || exit 1; \
	    $(FUZZER) $$target -merge=1 -use_counters=0 -max_len=4096 -verbosity=0 \
	        tests/fuzz/corpus/$$target $$found || exit 1; \
	done

bench:
	@.ci/make-venv $(VENV)
	@$(BIN)/python -m bench $(BENCH)

# The news of a release, from newsfragments/ into NEWS.rst.
news:
	@.ci/make-venv $(VENV) dev
	$(BIN)/towncrier build --yes

clean:
	rm -rf .build .venv build dist *.egg-info .coverage .coverage.* _trial_temp* \
	    .hypothesis .mypy_cache .pytest_cache .ruff_cache docs/_build
	find . -name __pycache__ -prune -exec rm -rf {} +
	rm -f twisted/plugins/dropin.cache
