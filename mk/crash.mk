# The crash proof: processes killed at every named point of a charge, in calm and in every kind of trouble.
# `make test` has its short form: 40 kills at each point in calm weather, 2 in the others, 64 races, 30 timeouts.

N := 1000
RACES := 10000
TIMEOUTS := 5000

PART :=

.PHONY: crash
crash: $(VENV)/dev.stamp ## Kill N processes at each crash point in each weather (N=1000: hours; PART=storm: that part); write bench/crash_proof
	@PYTHONPATH=tests $(BIN)/python -m crashes --kills $(N) --races $(RACES) --timeouts $(TIMEOUTS) $(if $(PART),--part "$(PART)")

.PHONY: crash-short
crash-short: $(VENV)/dev.stamp ## The short form of the crash proof alone, about a minute
	@$(BIN)/python -m pytest --numprocesses 2 --dist worksteal -q tests/crashes
