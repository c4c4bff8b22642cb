"""Documents made from the contract and the wiring, kept in docs/contract and held in step by `make check`."""
