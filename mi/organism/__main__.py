"""``python -m mi.organism``."""

import sys

from .cli import main

sys.exit(main())
