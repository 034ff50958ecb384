"""``python -m benchmarks``: what the plugin, the ledger's commands and the workshop cost, as ratios within one run."""

from . import overhead, table_time
from .workshop import circuits, harvest, memory, probing, saelens_store, steering, training, warm

overhead.main()
print()
table_time.main()
print()
harvest.main()
saelens_store.main()
training.main()
probing.main()
steering.main()
circuits.main()
memory.main()
warm.main()
