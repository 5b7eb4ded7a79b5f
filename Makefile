# The verbs of everyday work. Everything runs in .venv; `make setup` makes it.
python := .venv/bin/python

.PHONY: setup check test slow browser prometheus long live docs lock bench verify

setup:  ## .venv with the product (editable) and the test tools
	python3 -m venv .venv
	.venv/bin/pip install -q --no-deps --require-hashes -r requirements/test.txt
	.venv/bin/pip install -q --no-deps --no-build-isolation -e . -e ./apps/packs

check:  ## the laws only: types, lint, imports, sizes, documentation
	$(python) -m pytest tests/contracts -m 'not long'

test:  ## the default suite: minutes, no key of a paid service
	$(python) -m pytest -n 3 --dist loadfile --no-loadscope-reorder

slow:  ## what takes many seconds by nature: more kills and whole starts, all generated cases; CI runs it too
	TEST_EXAMPLES=all $(python) -m pytest -m '(slow or hypothesis) and not long and not prometheus' -n 2 --dist loadfile --no-loadscope-reorder

browser:  ## the console in Debian's chromium (apt-get install chromium); PICTURES=docs/images takes the pictures anew
	PICTURES=$(PICTURES) $(python) -m pytest -m browser

prometheus:  ## alert rules by Prometheus's own tool (apt-get install prometheus)
	$(python) -m pytest -m prometheus

long:  ## what takes minutes: jobs under kills, the conformance suite on PostgreSQL, 100,000 fault schedules
	$(python) -m pytest -m long

live:  ## the tests that call paid services; each needs its key in the environment
	$(python) -m pytest -m live

verify:  ## our own verdict, signed with a throw-away key, in .roadworthy/verify; printed, not enforced
	sh deploy/verify-self.sh

docs:  ## write the generated pages of docs/reference again
	$(python) docs/generate.py

lock:  ## write the pinned requirements again (add UPGRADE=--upgrade for the newest versions)
	requirements/lock.sh $(UPGRADE)

bench:  ## the gateway duel and the fault matrix on this machine
	bash benchmarks/gateway/run.sh
