"""Recipes, the store that keeps what they describe, and the runners that build it. Imports nothing heavy."""
