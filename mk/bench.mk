# Measurements: bench/RESULTS.md, STRIPE_TWIN.md, CHARGES.md and RECONCILIATION.md have the last ones. QUICK=1 only prints, in half a minute.

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
