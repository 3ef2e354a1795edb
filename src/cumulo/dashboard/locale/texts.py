"""The texts that people see, and the catalogues that they are translated in.

    PYTHONPATH=src python -m cumulo.dashboard.locale.texts     # brings *.po up to date

They come from the templates (`_("…")`), from calls (`said("…")`, `Said("…")`, `words("…")`, titles
of pages), and from the panels themselves: each title, label, help and choice is one. What a
catalogue lacks is left empty in it, and shown in English: a test fails.
"""

import ast
import dataclasses
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from cumulo import order
from cumulo.core import panels as language
from cumulo.core.panels import Field, Filter, Panel, Said
from cumulo.dashboard.locale.languages import LANGUAGES, parse

HERE = Path(__file__).parent
SOURCE = HERE.parents[1]
_MARKED = re.compile(r'(?:\b_|words)\(\s*"((?:[^"\\]|\\.)*)"')
_SAME = re.compile(
    r"[A-Z0-9 (){}_.,/-]*|IPv[46]|SHA-512|MySQL|PostgreSQL|Redfish"
    r"|iso|qcow2|raw|vdi|vhdx?|vmdk|cloud-init: .*|\{n\} GiB|\{metric\} .*"
)
"""What is the same in every language."""
_SHOWN = ("title", "label", "about", "help", "group")
"""Attributes of what panels are made of that are texts."""
_CALLS = ("said", "Said", "words", "Shown")
_SECOND = ("page",)
"""Calls whose second argument is a text: a page's title."""
MORE = ("Command", "Template")
"""Titles of other ways to do the same."""


def texts(services: Sequence[str]) -> list[str]:
    """All of them, sorted."""
    found = set(MORE)
    for template in (HERE.parent / "templates").glob("*.html"):
        found |= {json.loads(f'"{each}"') for each in _MARKED.findall(template.read_text())}
    modules = [*(HERE.parent / "api").glob("*.py"), *SOURCE.glob("*/panels.py")]
    for module in [*modules, *SOURCE.glob("*/panels/*.py")]:
        found |= set(_called(ast.parse(module.read_text())))
    brought = language.load(services)
    for each in (*brought.panels, *brought.drawings, *brought.gauges, *brought.figures):
        found |= set(_of(each))
    return sorted(text for text in found if not _SAME.fullmatch(text))


def _called(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        name = node.func.id if isinstance(node.func, ast.Name) else name
        place = 0 if name in _CALLS else 1 if name in _SECOND else len(node.args)
        for argument in node.args[place : place + 1]:
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                yield argument.value


def _of(thing: Any) -> Iterator[str]:
    """The texts of what a panel is made of."""
    if isinstance(thing, Said):
        yield thing.text
    elif isinstance(thing, Mapping):
        for value in thing.values():
            yield from _of(value)
    elif isinstance(thing, tuple | list):
        for each in thing:
            yield from _of(each)
    elif dataclasses.is_dataclass(thing) and not isinstance(thing, type):
        for name in _SHOWN:
            value = getattr(thing, name, "")
            if isinstance(value, str) and value:
                yield value
        if isinstance(thing, Field | Filter):
            yield from (label for _, label in thing.choices)
        if isinstance(thing, Panel) or not isinstance(thing, Filter):
            for each in dataclasses.fields(thing):
                value = getattr(thing, each.name)
                if isinstance(value, tuple | list) or each.name == "layers":
                    yield from _of(value)


def catalogue(known: Mapping[str, str], wanted: Sequence[str], language: str) -> str:
    """A PO file with the translations that are known; a text that is not wanted goes."""
    lines = ['msgid ""', 'msgstr ""', f'"Language: {language}\\n"']
    lines += ['"Content-Type: text/plain; charset=UTF-8\\n"', ""]
    for text in wanted:
        lines += [f"msgid {_quoted(text)}", f"msgstr {_quoted(known.get(text, ''))}", ""]
    return "\n".join(lines)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def main() -> None:
    wanted = texts(order.services())
    for name in LANGUAGES:
        path = HERE / f"{name}.po"
        if name != "en":
            known = parse(path.read_text()) if path.exists() else {}
            path.write_text(catalogue(known, wanted, name))
            print(name, sum(text not in known for text in wanted), "missing of", len(wanted))


if __name__ == "__main__":
    main()
