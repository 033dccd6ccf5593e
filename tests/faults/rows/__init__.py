"""The rows, one module for each fault or for a few of a kind: `tests.faults.row.row` registers them."""
