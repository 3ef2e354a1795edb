"""Results as files: pages, documents, test cases; and documents back into results."""

from cumulo.benchmark.report.formats import Results, Unreadable, make, read_file

__all__ = ["Results", "Unreadable", "make", "read_file"]
