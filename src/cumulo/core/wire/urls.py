"""URLs in headers: those are ASCII, and names in URLs need not be."""

from urllib.parse import quote


def ascii_url(url: str) -> str:
    """The URL with every character that a header cannot carry percent-encoded."""
    return quote(url, safe=":/?&=%@,;~")
