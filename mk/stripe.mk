# Stripe's own example requests: part of the source distribution of the very SDK that is locked, never committed.

STRIPE_VERSION := $(shell sed -n 's/^stripe==\([0-9.]*\).*/\1/p' requirements/run.txt)
STRIPE_EXAMPLES := .cache/stripe/examples-$(STRIPE_VERSION).py

.PHONY: stripe-examples
stripe-examples: $(STRIPE_EXAMPLES) ## Fetch Stripe's own example requests, once (hash-checked)

$(STRIPE_EXAMPLES):
	@mkdir -p $(@D)
	@place=$$(mktemp -d $(@D)/fetch.XXXXXX) && trap 'rm -rf "$$place"' EXIT && \
	sed -n '/^stripe==/,/[^\\]$$/p' requirements/run.txt > "$$place/lock.txt" && \
	$(BIN)/python -m pip download --quiet --disable-pip-version-check --no-deps --no-binary stripe \
		--require-hashes --requirement "$$place/lock.txt" --dest "$$place" && \
	tar -xzOf "$$place/stripe-$(STRIPE_VERSION).tar.gz" \
		stripe-$(STRIPE_VERSION)/tests/test_generated_examples.py > "$$place/examples.py" && \
	mv "$$place/examples.py" $@
	@echo "Stripe's examples: $@"

STRIPE_LOG := .cache/stripe/log

.PHONY: stripe-log
stripe-log: ## Judge what the tests said to Stripe's twin, and it to them, by Stripe's own contract
	@$(BIN)/python -m stripe_twin.contract $(STRIPE_LOG)

.PHONY: conformance
conformance: setup ## Ask the twin what we believe of Stripe; REAL=1 asks the test account of STRIPE_API_KEY
	@$(BIN)/python -m stripe_twin.conformance $(if $(REAL),--real)
