"""Regular expressions that users write: understood by RE2, which takes time in proportion to the
text, whatever the pattern. Python's own `re` can take for ever, and is never given one.

What RE2 lacks (back references, looking ahead or behind) is refused like any other mistake.
"""

import re
from typing import Any

MOST_CHARACTERS = 255
_MEMORY = 1 << 20
_SPECIAL = frozenset("\\.^$*+?{}[]|()")


class BadPattern(ValueError):
    """Not a regular expression that is understood; the text is for the user."""


class Pattern:
    """`literal`: the text itself, if it is nothing but that."""

    __slots__ = ("_search", "literal")

    def __init__(self, text: str, *, ignore_case: bool = False) -> None:
        """Raises BadPattern."""
        if len(text) > MOST_CHARACTERS:
            raise BadPattern(f"a pattern has at most {MOST_CHARACTERS} characters")
        self.literal = None if _SPECIAL & set(text) else text
        self._search = _compiled(text, ignore_case).search

    def found_in(self, text: str) -> bool:
        return self._search(text) is not None


class OperatorsPattern:
    """A pattern of the cloud's operator, from the settings: what RE2 does not know (passwords are
    often described by looking ahead) is left to `re`, on texts that have a bound."""

    __slots__ = ("_match",)
    MOST_TEXT = 4096

    def __init__(self, text: str) -> None:
        """Raises BadPattern."""
        try:
            self._match: Any = _compiled(text, False).match
        except BadPattern:
            try:
                self._match = re.compile(text).match
            except re.error as error:
                raise BadPattern(str(error)) from None

    def fits(self, text: str) -> bool:
        """The text begins with it."""
        return len(text) <= self.MOST_TEXT and self._match(text) is not None


def _compiled(text: str, ignore_case: bool) -> Any:
    import re2  # three megabytes that few clouds need

    options = re2.Options()
    options.max_mem = _MEMORY
    options.log_errors = False
    options.case_sensitive = not ignore_case
    try:
        return re2.compile(text, options)
    except (re2.error, UnicodeError) as error:
        said = error.args[0] if error.args else ""
        said = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
        raise BadPattern(said[:200]) from None
