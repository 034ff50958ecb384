"""The calibration benchmark: are verdicts wrong as rarely as they promise to be?

Claims are simulated whose truth is known, put through the public claim API (``mi.claimable`` and
``ledger.assess``), and their verdicts counted. ``python -m benchmarks.calibration`` prints the rates
beside their bars and exits with 1 if one is missed.

Not covered, because no simulation can see it: a wrong estimand, a biased judge model, dependence
that nobody declared, and selection before the ledger saw the claim.
"""
