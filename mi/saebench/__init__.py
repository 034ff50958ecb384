"""SAEBench on any subject and coder, offline; and result files that SAEBench wrote elsewhere."""
