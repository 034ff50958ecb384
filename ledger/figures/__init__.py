"""Figures of a run, each drawn from artifacts that its rows name by digest. Standard library only."""
