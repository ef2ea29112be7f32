# The crash proof: processes killed at every named point of a charge. `make test` has the short form of it.

N := 1000

.PHONY: crash
crash: $(VENV)/dev.stamp ## Kill N processes at each crash point of a charge (N=1000: about an hour on two cores); print the table
	@PYTHONPATH=tests $(BIN)/python -m crashes --kills $(N)
