"""The court: claims are read, judged and recorded. Imports no torch, and numpy only to recompute."""
