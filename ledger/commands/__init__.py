"""What ``python -m ledger COMMAND`` does: each takes the parsed arguments and returns the exit status."""
