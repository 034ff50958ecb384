"""What builds cost: prices, a journal, a budget."""
