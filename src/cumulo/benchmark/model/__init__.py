"""What the benchmark speaks of: tasks as files, and results as rows."""
