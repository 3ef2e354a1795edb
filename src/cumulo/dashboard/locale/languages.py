"""Texts in the languages that there are: gettext catalogues, read as they are.

A text that a catalogue lacks is shown in English. `tests/dashboard/test_languages.py` sees that
none is lacking.
"""

import ast
import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cumulo.core.panels import Said

FOLDER = Path(__file__).parent
LANGUAGES = {
    "en": "English",
    "de": "Deutsch",
    "fr": "Français",
    "es": "Español",
    "zh": "中文",
    "ja": "日本語",
}


class Words:
    """Called with a text or a `Said`: the same in a language."""

    def __init__(self, language: str, known: Mapping[str, str]) -> None:
        self.language = language
        self._known = known

    def __call__(self, text: Any, /, **values: Any) -> str:
        if isinstance(text, Said):
            values = {name: self._value(value) for name, value in text.values.items()}
            text = text.text
        found = self._known.get(text) or str(text)
        return found.format_map(values) if values else found

    def _value(self, value: Any) -> Any:
        return self(value) if isinstance(value, Said) else value


@functools.cache
def words_in(language: str) -> Words:
    """English for a language that is not there."""
    path = FOLDER / f"{language}.po"
    if language not in LANGUAGES or not path.exists():
        return Words("en", {})
    return Words(language, parse(path.read_text("utf-8")))


def best(accepted: str, chosen: str = "") -> str:
    """The language of a browser that says `Accept-Language`, or of the user's choice."""
    if chosen in LANGUAGES:
        return chosen
    wishes = []
    for place, part in enumerate(accepted[:500].split(",")):
        name, _, weight = part.partition(";q=")
        try:
            value = float(weight) if weight else 1.0
        except ValueError:
            value = 0.0
        if value > 0:
            wishes.append((-value, place, name.strip().partition("-")[0].lower()))
    return next((name for _, _, name in sorted(wishes) if name in LANGUAGES), "en")


def parse(text: str) -> dict[str, str]:
    """The texts of a catalogue in gettext's PO format, without plural forms and contexts."""
    found: dict[str, str] = {}
    parts: dict[str, str] = {}
    now = ""
    for line in [*text.splitlines(), "msgid"]:
        word, _, rest = line.strip().partition(" ")
        if word in ("msgid", "msgstr"):
            if word == "msgid":
                if parts.get("msgid") and parts.get("msgstr"):
                    found[parts["msgid"]] = parts["msgstr"]
                parts = {}
            now = word
            parts[now] = str(ast.literal_eval(rest)) if rest else ""
        elif line.startswith('"') and now:
            parts[now] += str(ast.literal_eval(line.strip()))
    return found
