"""Text of strangers inside XML: what XML has no way to say is left out."""

import re
from xml.sax.saxutils import escape, quoteattr

_NEVER = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def words(text: str) -> str:
    """As an element's text."""
    return escape(_NEVER.sub("", text))


def attribute(text: str) -> str:
    """As an attribute's value, with its quotes."""
    return quoteattr(_NEVER.sub("", text))
