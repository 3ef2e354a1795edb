"""The benchmark's own small database."""
