"""Functions of CFN templates (and of the first HOT version) that need only their arguments."""

import json
from collections.abc import Callable
from typing import Any

from cumulo.orchestration.language.invalid import Invalid


def select(given: Any) -> Any:
    """[index or key, list or map]; an empty text where there is nothing."""
    if not isinstance(given, list) or len(given) != 2:
        raise Invalid('Arguments to "Fn::Select" must be of the form [index, collection]')
    index, values = given
    if isinstance(values, str):
        try:
            values = json.loads(values)
        except ValueError:
            raise Invalid('"Fn::Select" takes a list or a map') from None
    if isinstance(values, dict):
        return values.get(str(index), "")
    if values is None:
        return ""
    if not isinstance(values, list):
        raise Invalid('"Fn::Select" takes a list or a map')
    try:
        return values[int(index)]
    except (ValueError, TypeError):
        raise Invalid(f'Index to "Fn::Select" must be a number, not {index!r}') from None
    except IndexError:
        return ""


def join(given: Any) -> str:
    if not isinstance(given, list) or len(given) != 2 or not isinstance(given[0], str):
        raise Invalid('Arguments to "Fn::Join" must be of the form [delimiter, list]')
    values = given[1] or []
    if not isinstance(values, list) or not all(isinstance(v, str | int | float) for v in values):
        raise Invalid('"Fn::Join" must operate on a list of texts')
    from cumulo.orchestration.language.text_functions import joined

    return joined(given[0], [str(each) for each in values])


def split(given: Any) -> list[str]:
    if not isinstance(given, list) or len(given) != 2 or not all(isinstance(x, str) for x in given):
        raise Invalid('Arguments to "Fn::Split" must be of the form [delimiter, text]')
    if not given[0]:
        raise Invalid('"Fn::Split" needs a delimiter')
    return str(given[1]).split(given[0])


def replace(given: Any) -> str:
    """[{from: to}, text]"""
    if not isinstance(given, list) or len(given) != 2 or not isinstance(given[0], dict):
        raise Invalid('Arguments to "Fn::Replace" must be of the form [{from: to}, text]')
    from cumulo.orchestration.language.text_functions import str_replace

    made = str_replace({"template": given[1], "params": given[0]})
    return made or ""


def base64(given: Any) -> str:
    """As it is: who takes user data encodes it."""
    if not isinstance(given, str):
        raise Invalid('"Fn::Base64" must operate on text')
    return given


def member_list_to_map(given: Any) -> dict[str, Any]:
    """[name key, value key, [".member.0.Name=a", ".member.0.Value=b", …]]"""
    if not isinstance(given, list) or len(given) != 3 or not isinstance(given[2], list):
        raise Invalid('Incorrect arguments to "Fn::MemberListToMap"')
    name_key, value_key, members = given
    found: dict[str, dict[str, str]] = {}
    for each in members:
        key, _, value = str(each).partition("=")
        parts = key.removeprefix(".member.").split(".")
        if len(parts) == 2:
            found.setdefault(parts[0], {})[parts[1]] = value
    return {one[name_key]: one.get(value_key) for one in found.values() if name_key in one}


PURE: dict[str, Callable[[Any], Any]] = {
    "Fn::Select": select,
    "Fn::Join": join,
    "Fn::Split": split,
    "Fn::Replace": replace,
    "Fn::Base64": base64,
    "Fn::MemberListToMap": member_list_to_map,
}
