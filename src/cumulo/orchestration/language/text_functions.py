"""Functions of templates that need nothing but their arguments."""

import hashlib
import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from cumulo.orchestration.language.invalid import Invalid

MOST_TEXT = 4 * 1024 * 1024
Scalar = str | int | float | bool


def as_text(value: Any, what: str) -> str:
    """Text of a value that is put into other text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return ""
    if isinstance(value, str | int | float):
        return str(value)
    if isinstance(value, dict | list):
        return json.dumps(value, separators=(", ", ": "))
    raise Invalid(f"{what}: {value!r} is no text")


def check_text(size: int) -> None:
    """Before a text of so many letters is made. Raises Invalid."""
    if size > MOST_TEXT:
        raise Invalid(f"the text is larger than {MOST_TEXT} bytes")


def joined(delimiter: str, parts: Sequence[str]) -> str:
    check_text(sum(map(len, parts)) + len(delimiter) * len(parts))
    return delimiter.join(parts)


def select_path(value: Any, path: Sequence[Any]) -> Any:
    """What lies at a path of keys and numbers; None where there is nothing."""
    for key in path:
        if isinstance(value, str):
            # An attribute that is JSON text is looked into as the data that it is.
            try:
                value = json.loads(value)
            except ValueError:
                return None
        if isinstance(value, dict):
            value = value.get(key if isinstance(key, str) else str(key))
        elif isinstance(value, list):
            try:
                value = value[int(key)]
            except (ValueError, TypeError, IndexError):
                return None
        else:
            return None
    return value


def str_replace(given: Any, *, strict: bool = False, very: bool = False) -> str | None:
    """Longest key first, and what was put in is not replaced again."""
    if not isinstance(given, dict) or set(given) != {"template", "params"}:
        raise Invalid('Arguments to "str_replace" must be a map with template and params')
    template, params = given["template"], given["params"]
    if template is None:
        return None
    if not isinstance(template, Scalar) or not isinstance(params, dict):
        raise Invalid('"str_replace": template must be text, params a map')
    texts = {}
    for key, value in params.items():
        if not key:
            raise Invalid("str_replace param key cannot be empty")
        if very and value in ("", None, [], {}):
            raise Invalid(f"str_replace_vstrict has an undefined or empty value for param {key}")
        texts[key] = as_text(value, f"str_replace: {key}")
    text = as_text(template, "str_replace")
    made, used = _replace_once(text, texts)
    unused = set(texts) - used
    if strict and unused:
        raise Invalid(
            f"The following params were not found in the template: {','.join(sorted(unused))}"
        )
    return made


def _replace_once(text: str, params: Mapping[str, str]) -> tuple[str, set[str]]:
    """One pass from left to right, at each place the longest key that fits."""
    by_first: dict[str, list[str]] = {}
    for key in sorted(params, key=lambda key: (-len(key), key)):
        by_first.setdefault(key[0], []).append(key)
    if not by_first:
        return text, set()
    made, used, start, at, size = [], set(), 0, 0, len(text)
    while at < len(text):
        keys = by_first.get(text[at], ())
        fits = next((key for key in keys if text.startswith(key, at)), None)
        if fits is None:
            at += 1
            continue
        size += len(params[fits])
        check_text(size)
        made += [text[start:at], params[fits]]
        used.add(fits)
        at += len(fits)
        start = at
    made.append(text[start:])
    return "".join(made), used


def search_cost(size: int, keys: Iterable[str]) -> int:
    """At the most, of looking for keys in a text of that size: each may be looked for at each of
    its letters. What a text really costs is told by `_replace_cost`."""
    return size * sum(_compare(key) for key in keys) // 8


def _compare(key: str) -> int:
    return 16 + len(key) // 16


def _split_cost(given: Any) -> int:
    """Each piece is a value."""
    if not isinstance(given, list) or not all(isinstance(each, str) for each in given[:2]):
        return 0
    return 8 * given[1].count(given[0]) if len(given) > 1 and given[0] else 0


def _replace_cost(given: Any) -> int:
    """Of a str_replace: the keys that begin with a letter are compared where it stands."""
    if not isinstance(given, dict):
        return 0
    text, params = given.get("template"), given.get("params")
    if not isinstance(text, str) or not isinstance(params, dict):
        return 0
    weights: Counter[str] = Counter()
    for key in params:
        weights[key[:1]] += _compare(key)
    letters = Counter(text)
    return len(text) // 16 + sum(weights[letter] * letters[letter] for letter in weights)


def list_join(given: Any) -> str:
    if not isinstance(given, list) or len(given) < 2 or not isinstance(given[0], str):
        raise Invalid(
            'Arguments to "list_join" must be of the form [delimiter, list, (more lists)]'
        )
    parts: list[str] = []
    for values in given[1:]:
        if values is None:
            continue
        if not isinstance(values, list):
            raise Invalid('"list_join" must operate on lists')
        parts += [as_text(each, "list_join") for each in values]
    return joined(given[0], parts)


def str_split(given: Any) -> Any:
    if not isinstance(given, list) or len(given) not in (2, 3):
        raise Invalid('Arguments to "str_split" must be of the form [delimiter, string, (index)]')
    delimiter, text = given[0], given[1]
    if text is None:
        return None
    if not isinstance(delimiter, str) or not delimiter or not isinstance(text, str):
        raise Invalid('"str_split": delimiter and string must be text')
    pieces = text.split(delimiter)
    if len(given) == 2:
        return pieces
    try:
        return pieces[int(given[2])]
    except (ValueError, TypeError):
        raise Invalid(f"Incorrect index to str_split: {given[2]!r}") from None
    except IndexError:
        raise Invalid(
            f"Incorrect index to str_split: should be between 0 and {len(pieces) - 1}"
        ) from None


def digest(given: Any) -> str:
    if not isinstance(given, list) or len(given) != 2 or not all(isinstance(x, str) for x in given):
        raise Invalid('Arguments to "digest" must be of the form: [algorithm, value]')
    name, value = given
    known = sorted(each for each in hashlib.algorithms_guaranteed if not each.startswith("shake"))
    if name.lower() not in known:
        raise Invalid(f"Algorithm must be one of {', '.join(known)}")
    return hashlib.new(name.lower(), value.encode(), usedforsecurity=False).hexdigest()


def map_merge(given: Any) -> dict[str, Any]:
    if not isinstance(given, list):
        raise Invalid('Incorrect arguments to "map_merge": a list of maps is expected')
    made: dict[str, Any] = {}
    for each in given:
        if each is None:
            continue
        if not isinstance(each, dict):
            raise Invalid('Incorrect arguments to "map_merge": a list of maps is expected')
        made |= each
    return made


def map_replace(given: Any) -> dict[str, Any]:
    """[map, {keys: …, values: …}]: keys first; two that become the same are refused."""
    if (
        not isinstance(given, list)
        or len(given) != 2
        or not isinstance(given[0], dict)
        or not isinstance(given[1], dict)
        or set(given[1]) - {"keys", "values"}
    ):
        raise Invalid('Arguments to "map_replace" must be of the form [map, {keys: …, values: …}]')
    source = given[0]
    keys, values = given[1].get("keys") or {}, given[1].get("values") or {}
    if not isinstance(keys, dict) or not isinstance(values, dict):
        raise Invalid('"map_replace": keys and values must be maps')
    made: dict[str, Any] = {}
    for key, value in source.items():
        new = keys.get(key, key)
        if not isinstance(new, str):
            raise Invalid('"map_replace": keys must be text')
        if new in made or (new != key and new in source):
            raise Invalid(f'"map_replace": key replacement {new} collides')
        replaced_value = value
        if isinstance(value, str | int | float | bool):
            replaced_value = values.get(value if isinstance(value, str) else str(value), value)
        made[new] = replaced_value
    return made


def list_concat(given: Any, *, unique: bool = False) -> list[Any]:
    if not isinstance(given, list):
        raise Invalid('Incorrect arguments to "list_concat": a list of lists is expected')
    made: list[Any] = []
    for each in given:
        if each is None:
            continue
        if not isinstance(each, list):
            raise Invalid('Incorrect arguments to "list_concat": a list of lists is expected')
        made += each
    if not unique:
        return made
    seen: dict[str, Any] = {}
    for each in made:
        seen.setdefault(json.dumps(each, sort_keys=True), each)
    return list(seen.values())


def filter_list(given: Any) -> list[Any] | None:
    """[values to leave out, list]"""
    if not isinstance(given, list) or len(given) != 2:
        raise Invalid('Arguments to "filter" must be of the form [values, list]')
    without, values = given
    if values is None:
        return None
    if not isinstance(without, list) or not isinstance(values, list):
        raise Invalid('"filter" takes two lists')
    unwanted = {_frozen(each) for each in without}
    return [each for each in values if _frozen(each) not in unwanted]


def _frozen(value: Any) -> Any:
    """Equal for what is equal, and quick to look for."""
    return json.dumps(value, sort_keys=True) if isinstance(value, dict | list) else (value,)


def contains(given: Any) -> bool:
    if (
        not isinstance(given, list)
        or len(given) != 2
        or not isinstance(given[1], list | str | dict)
    ):
        raise Invalid('Arguments to "contains" must be of the form: [value, sequence]')
    if isinstance(given[1], str) and not isinstance(given[0], str):
        return False
    return given[0] in given[1]


_URL_PARTS = {"scheme", "username", "password", "host", "port", "path", "query", "fragment"}


def make_url(given: Any) -> str | None:
    if not isinstance(given, dict) or set(given) - _URL_PARTS:
        raise Invalid(f'"make_url" takes a map with {", ".join(sorted(_URL_PARTS))}')
    host = str(given.get("host") or "")
    if ":" in host and not host.startswith("["):
        host = f"[{host}]"
    port = given.get("port")
    if port not in (None, ""):
        try:
            number = int(port)
        except (ValueError, TypeError):
            raise Invalid(f'Invalid URL port "{port}"') from None
        if not 0 < number <= 65535:
            raise Invalid(f"Invalid URL port {number}, must be in range 1-65535")
        host += f":{number}"
    if given.get("username"):
        user = quote(str(given["username"]), safe="")
        if given.get("password"):
            user += ":" + quote(str(given["password"]), safe="")
        host = f"{user}@{host}"
    path = str(given.get("path") or "")
    if host and path and not path.startswith("/"):
        path = f"/{path}"
    url = (f"{given['scheme']}:" if given.get("scheme") else "") + (f"//{host}" if host else "")
    url += quote(path)
    query = given.get("query")
    if query:
        if not isinstance(query, dict):
            raise Invalid('The "query" of "make_url" must be a map')
        url += "?" + urlencode({k: as_text(v, "make_url") for k, v in query.items()})
    if given.get("fragment"):
        url += "#" + quote(str(given["fragment"]))
    return url


def rounds(
    lists: Mapping[str, Sequence[Any]], permutations: bool, most: int
) -> Iterator[dict[str, Any]]:
    """What `repeat` puts in, round by round: all combinations, or in step."""
    names = list(lists)
    if permutations:
        count = 1
        for values in lists.values():
            count *= len(values)
        if count > most:
            raise Invalid(f'"repeat" makes {count} items, {most} are allowed')
        for values in itertools.product(*lists.values()):
            yield dict(zip(names, values, strict=True))
        return
    lengths = {len(values) for values in lists.values()}
    if len(lengths) > 1:
        raise Invalid("For nested loop with permutations=False, the lists must have equal lengths")
    for values in zip(*lists.values(), strict=True):
        yield dict(zip(names, values, strict=True))


def replaced(template: Any, values: Mapping[str, Any], spend: Callable[[int], None]) -> Any:
    """The template of `repeat` with its placeholders filled, in keys, too. `spend` is told of each
    letter that is made."""
    texts = {name: as_text(value, "repeat") for name, value in values.items() if name}
    spend(sum(map(len, texts.values())))

    def fill(one: Any) -> Any:
        if isinstance(one, str):
            for name, value in values.items():
                if one == name:
                    return value
            made = _replace_once(one, texts)[0]
            spend(len(made))
            return made
        if isinstance(one, dict):
            return {as_text(fill(key), "repeat"): fill(each) for key, each in one.items()}
        if isinstance(one, list):
            return [fill(each) for each in one]
        return one

    return fill(template)


PURE: dict[str, Callable[[Any], Any]] = {
    "str_replace": str_replace,
    "str_replace_strict": lambda given: str_replace(given, strict=True),
    "str_replace_vstrict": lambda given: str_replace(given, strict=True, very=True),
    "list_join": list_join,
    "str_split": str_split,
    "digest": digest,
    "map_merge": map_merge,
    "map_replace": map_replace,
    "list_concat": list_concat,
    "list_concat_unique": lambda given: list_concat(given, unique=True),
    "filter": filter_list,
    "contains": contains,
    "make_url": make_url,
}

COSTS: dict[str, Callable[[Any], int]] = {
    **dict.fromkeys(("str_replace", "str_replace_strict", "str_replace_vstrict"), _replace_cost),
    **dict.fromkeys(("str_split", "Fn::Split"), _split_cost),
    "Fn::Replace": lambda given: (
        _replace_cost({"params": given[0], "template": given[1]})
        if isinstance(given, list) and len(given) == 2
        else 0
    ),
}
"""Of functions whose work is more than what they make."""
