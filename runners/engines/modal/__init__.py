"""The engine modal: containers on Modal."""
