"""``python -m benchmarks``: what the plugin and the ledger's commands cost."""

from . import overhead, table_time

overhead.main()
print()
table_time.main()
