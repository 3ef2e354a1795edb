"""Results as files: pages, documents, test cases; and documents back into results."""

from cumulo.benchmark.report.documents import Results, Unreadable
from cumulo.benchmark.report.formats import make, pieces
from cumulo.benchmark.report.reading import FILE_BYTES, read_file

__all__ = ["FILE_BYTES", "Results", "Unreadable", "make", "pieces", "read_file"]
