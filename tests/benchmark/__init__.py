"""The benchmark: files, runners, criteria, figures, reports."""
