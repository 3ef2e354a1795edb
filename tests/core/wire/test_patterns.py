"""Patterns of users: linear in time, bounded in size; and nobody gives one to Python's `re`."""

import ast
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cumulo.core.faults import BadRequest
from cumulo.core.wire.coercions import as_int, whole_or_none
from cumulo.core.wire.patterns import MOST_CHARACTERS, BadPattern, OperatorsPattern, Pattern

SOURCE = Path(__file__).parents[3] / "src"


@pytest.mark.parametrize("text", ["(a+)+$", "(a|aa)+$", "(.*a){20}", "(a*)*b", "((a?){30})a{30}$"])
def test_a_pattern_that_takes_others_for_ever(text: str) -> None:
    pattern = Pattern(text)
    begun = time.process_time()
    for _ in range(100):
        pattern.found_in("a" * 200 + "!")
    # `re` needs longer than the world has been there.
    assert time.process_time() - begun < 5


@pytest.mark.parametrize(
    "text",
    ["(" * 200, "(" * 3000, "a" * (MOST_CHARACTERS + 1), r"(a)\1", "(?=a)", "a{1000}{1000}", "[",
     "*", r"\C\C(?<n", "\ud800"],
)  # fmt: skip
def test_refused(text: str) -> None:
    with pytest.raises(BadPattern):
        Pattern(text)


def test_literals_and_case() -> None:
    assert Pattern("web 1_%").literal == "web 1_%"
    assert Pattern("web.1").literal is None
    assert Pattern("WEB", ignore_case=True).found_in("my web")
    assert not Pattern("WEB").found_in("my web")
    assert Pattern("^ä", ignore_case=True).found_in("Ärger")


@given(st.text(max_size=40), st.text(max_size=40))
def test_nothing_but_its_own_fault_comes_out(pattern: str, text: str) -> None:
    try:
        made = Pattern(pattern)
    except BadPattern:
        return
    assert made.literal is None or made.found_in(text) == (pattern in text)


def test_an_operator_may_look_ahead() -> None:
    pattern = OperatorsPattern(r"^(?=.*\d)(?=.*[a-zA-Z]).{7,}$")
    assert pattern.fits("abcdef1") and not pattern.fits("abcdefg")
    assert not OperatorsPattern("a").fits("a" * (OperatorsPattern.MOST_TEXT + 1))
    with pytest.raises(BadPattern):
        OperatorsPattern("(")


@pytest.mark.parametrize(
    "text", ["--5", "", "-", "5" * 19, "9" * 5000, "\u0661", "1.0", "1e3", " 1", "+1"]
)
def test_what_is_no_number(text: str) -> None:
    assert whole_or_none(text) is None
    if text.strip().lstrip("+") != "1":
        with pytest.raises(BadRequest) as refused:
            as_int(text, "limit")
        assert len(refused.value.message) < 400


@pytest.mark.parametrize("number", [10**30, -(10**30), 10**5000], ids=["big", "small", "long"])
def test_a_number_without_room(number: int) -> None:
    with pytest.raises(BadRequest):
        as_int(number, "size")


COUNTING = ("isdecimal", "isdigit", "isnumeric")
MINE = {"patterns.py"}


def test_no_pattern_that_is_not_written_in_the_program_reaches_re() -> None:
    """Nor does a number reach `int` by `isdecimal` alone, which knows no length, nor by stripping
    any number of signs before it."""
    found, files = [], 0
    for path in SOURCE.rglob("*.py"):
        if path.name in MINE:
            continue
        files += 1
        text = path.read_text()
        lines = text.splitlines()
        for node in ast.walk(ast.parse(text)):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            base, name, line = node.func.value, node.func.attr, lines[node.lineno - 1]
            if isinstance(base, ast.Name) and base.id == "re" and name != "escape":
                wrong = bool(node.args) and not _constant(node.args[0])
            else:
                asked = name in COUNTING and bool({"api", "service"} & set(path.parts))
                bounded = "len(" in line or "[:" in line or isinstance(base, ast.Subscript)
                wrong = asked and (not bounded or 'strip("-").is' in line)
            if wrong:
                found.append(f"{path}:{node.lineno}: {line.strip()}")
    assert files > 300 and found == []


def _constant(node: ast.expr) -> bool:
    """A text, an f-string of constants in capitals, what `re.escape` has made harmless, and sums
    of those."""
    if isinstance(node, ast.BinOp):
        return _constant(node.left) and _constant(node.right)
    if isinstance(node, ast.Call):
        return ast.unparse(node.func) == "re.escape"
    return isinstance(node, ast.Constant) or (
        isinstance(node, ast.JoinedStr)
        and all(
            isinstance(part, ast.Constant)
            or (isinstance(part, ast.FormattedValue) and isinstance(part.value, ast.Name)
                and part.value.id.isupper())
            for part in node.values
        )
    )  # fmt: skip
