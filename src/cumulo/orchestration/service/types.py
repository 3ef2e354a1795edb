"""All resource types: those that services declare as data, and Heat's own."""

from collections.abc import Iterable, Mapping
from typing import Any

from cumulo.core.resource_types import Finder, ResourceType
from cumulo.orchestration.language.invalid import Invalid
from cumulo.orchestration.service.handlers import Handler
from cumulo.orchestration.service.rest_handler import RestHandler

MOST_IMPLIED = 20
Implied = Mapping[str, Iterable[str]]


class Types:
    def __init__(self, declared: Iterable[ResourceType], finders: Iterable[Finder]) -> None:
        self.finders = {each.name: each for each in finders}
        self.constraints = {
            each.constraint: each for each in self.finders.values() if each.constraint
        }
        self._handlers: dict[str, Handler] = {
            each.name: RestHandler(each, self.finders) for each in declared
        }
        self._template: Handler | None = None

    def add(self, own: Mapping[str, Handler], template: Handler | None = None) -> None:
        """Heat's own ones; `template` is what files and URLs of templates are made by."""
        self._handlers |= own
        self._template = self._template if template is None else template

    def implied(self, resources: Mapping[str, tuple[str, Mapping[str, Any]]]) -> Implied:
        """Each resource → those that it stands on by what it is: `resources` are type and
        properties by name."""
        others: dict[str, list[tuple[str, Mapping[str, Any]]]] = {}
        for name, (kind, given) in resources.items():
            others.setdefault(kind, []).append((name, given))
        found: dict[str, list[str]] = {}
        for name, (kind, given) in resources.items():
            handler = self._handlers.get(kind)
            if isinstance(handler, RestHandler) and handler.type.stands_on is not None:
                found[name] = list(handler.type.stands_on(given, others))[:MOST_IMPLIED]
        return found

    def renewed(self, kind: str) -> bool:
        """Each update of the stack makes another one."""
        handler = self.known(kind)
        return handler is not None and handler.renewed

    def nested(self, kind: str) -> bool:
        """What is of it is a stack of its own."""
        handler = self.known(kind)
        return is_template(kind) if handler is None else handler.nested

    @staticmethod
    def same(one: str, other: str) -> bool:
        """A thing of the one may become one of the other. Where a template lies is no matter."""
        return one == other or (is_template(one) and is_template(other))

    def names(self) -> list[str]:
        return sorted(self._handlers)

    def known(self, kind: str) -> Handler | None:
        return self._handlers.get(kind)

    def handler(self, kind: str) -> Handler:
        """Raises Invalid for a type that there is not."""
        found = self._handlers.get(kind)
        if found is not None:
            return found
        if is_template(kind) and self._template is not None:
            return self._template
        raise Invalid(f"The Resource Type ({kind}) could not be found.")


def is_template(kind: str) -> bool:
    """Whether a type is a template of its own: a file or URL."""
    return kind.endswith((".yaml", ".template", ".yml", ".json")) or "://" in kind
