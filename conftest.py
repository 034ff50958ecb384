"""Names the plugins of this repository; nothing else belongs here."""

pytest_plugins = ["ledger.plugin", "fixtures.published", "pytester"]
