"""The command line, as ``mi-assay`` and as ``python -m mi_assay``."""

from __future__ import annotations

import sys
from importlib import import_module

from mi_assay import _home


def main(argv: list[str] | None = None) -> int:
    """Run the ledger's command line and return its exit status."""
    return int(import_module(f"{_home('ledger')}.cli").main(argv))


if __name__ == "__main__":
    sys.exit(main())
