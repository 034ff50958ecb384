"""The report: one self-contained page per run, rendered from the ledger and from nothing else."""
