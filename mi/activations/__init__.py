"""Activations: harvested once into shards, read back without loading all of them."""
