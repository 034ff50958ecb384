"""Names the plugins of this repository; nothing else belongs here."""

pytest_plugins = [
    "ledger.plugin",
    "runners.plugin",
    "fixtures.lab",
    "fixtures.probing",
    "fixtures.circuits",
    "fixtures.published",
    "fixtures.saebench",
    "fixtures.scorers",
    "fixtures.autointerp",
    "fixtures.planted",
    "fixtures.steering",
    "pytester",
]
