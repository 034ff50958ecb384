"""Probing: labelled texts, what a model holds of them, sparse probes fitted on one split and judged on the other."""
