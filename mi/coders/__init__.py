"""Coders: SAEs and transcoders, trained and loaded through the field's engines, behind one small protocol."""
