"""``python -m benchmarks``: what the plugin, the ledger's commands, the workshop and the engines cost, as ratios within one run."""

from . import gpu_speed, harvest_scaling, overhead, report_page, runners_overhead, table_time
from .workshop import (
    autointerp_cache,
    autointerp_scoring,
    circuits,
    harvest,
    memory,
    probing,
    saelens_store,
    steering,
    training,
    warm,
)

overhead.main()
print()
table_time.main()
report_page.main()
print()
harvest.main()
saelens_store.main()
training.main()
probing.main()
steering.main()
circuits.main()
autointerp_cache.main()
autointerp_scoring.main()
memory.main()
warm.main()
runners_overhead.main()
harvest_scaling.main()
gpu_speed.main()
