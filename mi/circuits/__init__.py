"""Feature-set circuits: sets of latents, found on training examples, judged by probes and inside the running model."""
