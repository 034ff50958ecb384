"""Errors of the court, each with what was given, what was expected and what to do."""


class LedgerError(Exception):
    """A ledger, a registration or a command that cannot be used as it is."""


class RegistrationError(LedgerError):
    """A claim file that breaks its schema; the message names file, line and key."""
