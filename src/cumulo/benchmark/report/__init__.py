"""Results as files: pages, documents, test cases; and documents back into results."""

from cumulo.benchmark.report.formats import Unreadable, keep, make, results

__all__ = ["Unreadable", "keep", "make", "results"]
