"""What the workshop costs: ratios measured in one run, arms taking turns. One file per measurement."""
