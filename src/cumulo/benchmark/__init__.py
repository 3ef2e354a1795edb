"""Benchmark: Rally's task files against any OpenStack cloud. See README.md."""
