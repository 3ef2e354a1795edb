"""The pieces of JSON text that a list is filtered by: a tag, or a property with its value.

In JSON text a quote inside a value is escaped, so such a piece can only be where it belongs.
"""

import msgspec

PATTERNS = 8
"""How many tags or properties one list may be filtered by."""


def tag_pattern(tag: str) -> str:
    return msgspec.json.encode(tag).decode()


def property_pattern(name: str, value: str) -> str:
    return f"{tag_pattern(name)}:{tag_pattern(value)}"
