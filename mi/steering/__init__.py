"""Steering: directions, generations paired by prompt and seed, judges that read text, and the sweep over coefficients."""
