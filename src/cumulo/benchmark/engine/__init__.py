"""What runs a workload: surroundings, runners, iterations, criteria, hooks, statistics."""
