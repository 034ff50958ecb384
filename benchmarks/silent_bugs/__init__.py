"""The silent-bug benchmark: do our own checks notice bugs that raise nothing?

Each mutant re-enacts, on tiny models and coders, a bug that lived in a published tool or study. It is first shown
to be silent: the mutated run raises nothing, warns of nothing and gives finite numbers in range. Then the checks that
a user gets anyway (gates of subjects and coders, laws of the metrics, measurability, the store, the court) run on it.
Benign mutants change the pipeline without changing what is right; a check that fires on one is a false alarm.

``python -m benchmarks.silent_bugs`` prints the kill table and exits with 1 if a silent mutant survives in any data
seed, or if more than one benign mutant raises an alarm.
"""
