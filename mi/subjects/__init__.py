"""Subjects: the models that claims are measured on, loaded in one way and gated before use."""
