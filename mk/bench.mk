# Measurements: the last ones are in bench/RESULTS.md, STRIPE_TWIN.md, CHARGES.md, DELIVERIES.md and RECONCILIATION.md.
# QUICK=1 only prints, in half a minute.

SECONDS := 10
CONNECTIONS := 16
CUSTOMERS := 2000

.PHONY: bench
bench: $(VENV)/dev.stamp ## Measure product and pgbench side by side; write bench/RESULTS.md
	@$(BIN)/python -m bench --seconds $(SECONDS) --connections $(CONNECTIONS) --customers $(CUSTOMERS) $(if $(QUICK),--quick)

.PHONY: bench-stripe
bench-stripe: $(VENV)/dev.stamp ## Measure Stripe's twin beside the SDK alone; write bench/STRIPE_TWIN.md
	@$(BIN)/python -m bench.stripe_twin $(if $(QUICK),--quick)

.PHONY: bench-charges
bench-charges: $(VENV)/dev.stamp ## Measure charges against the twin, 80 ms away, within limits and without; write bench/CHARGES.md
	@$(BIN)/python -m bench.charges $(if $(QUICK),--quick)

.PHONY: bench-reconciliation
bench-reconciliation: $(VENV)/dev.stamp ## Measure comparing Stripe with our books; write bench/RECONCILIATION.md
	@$(BIN)/python -m bench.reconciliation $(if $(QUICK),--quick)

.PHONY: bench-deliveries
bench-deliveries: $(VENV)/dev.stamp ## Measure Stripe's deliveries, 1,000 a minute beside signups and fixes, and how many can be taken; write bench/DELIVERIES.md
	@$(BIN)/python -m bench.deliveries $(if $(QUICK),--quick)

# Long proofs. Their short forms are in the test suite.

LIVES := 1000
EVENTS := 10000

.PHONY: lifecycles
lifecycles: $(VENV)/dev.stamp ## Live LIVES lives at random, of up to 26 months each; write bench/LIFECYCLES.md
	@PYTHONPATH=tests $(BIN)/python -m bench.lifecycles --lives $(LIVES)

.PHONY: events
events: $(VENV)/dev.stamp ## Deliver EVENTS events thrice, in any order, from eight senders; write bench/EVENTS.md
	@$(BIN)/python -m bench.events --events $(EVENTS)
