"""``python -m benchmarks``: what the plugin, the ledger's commands and the workshop cost, as ratios within one run."""

from . import overhead, table_time
from .workshop import harvest, memory, saelens_store, training, warm

overhead.main()
print()
table_time.main()
print()
harvest.main()
saelens_store.main()
training.main()
memory.main()
warm.main()
