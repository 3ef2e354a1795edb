"""The verbs of the benchmark: environments and tasks."""
