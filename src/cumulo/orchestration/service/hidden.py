"""Hidden parameters at rest: sealed in the rows of stacks and of their snapshots.

Which ones those are, the template says (`hidden`, `NoEcho`), and `encrypted_param_names` of the
environment. Values keep their place and become `{"sealed": …}`; a value that looks like one is
sealed, too, whatever its parameter, so that nothing that a user sends is ever taken for ours.
"""

from collections.abc import Collection, Mapping
from typing import Any

import msgspec
from cryptography.fernet import InvalidToken

from cumulo.orchestration.model.stack import StackRow
from cumulo.orchestration.service.blueprint import Blueprint
from cumulo.orchestration.service.handlers import Seal

SECTIONS = ("parameters", "parameter_defaults")
"""Of an environment, where values are."""

Values = Mapping[str, Any]
MASK = "******"


class Hidden:
    def __init__(self, seal: Seal) -> None:
        self._seal = seal

    def names(self, blueprint: Blueprint) -> set[str]:
        return blueprint.hidden

    def closed(self, values: Values, names: Collection[str]) -> dict[str, Any]:
        return {
            name: self._close(value) if name in names or _looks_sealed(value) else value
            for name, value in values.items()
        }

    def opened(self, values: Values) -> dict[str, Any]:
        return {name: self._open(value) for name, value in values.items()}

    def closed_environment(
        self, given: Values, names: Collection[str], plain: Collection[str]
    ) -> dict[str, Any]:
        """`plain`: what the template itself shows of its parameters. A default that it does not
        have is for a stack inside it, which may hide it: it is sealed."""
        defaults = given.get("parameter_defaults") or {}
        return {
            **given,
            "parameters": self.closed(given.get("parameters") or {}, names),
            "parameter_defaults": self.closed(defaults, {*names, *(set(defaults) - set(plain))}),
        }

    def handed_down(self, parent: StackRow) -> set[str]:
        """Names of the defaults that the stack around it hides."""
        return self.sealed_names(parent.environment.get("parameter_defaults") or {})

    @staticmethod
    def masked(values: Values, names: Collection[str]) -> dict[str, Any]:
        """As readers see them."""
        return {name: MASK if name in names else value for name, value in values.items()}

    @staticmethod
    def sealed_names(values: Values) -> set[str]:
        return {name for name, value in values.items() if _looks_sealed(value)}

    def opened_environment(self, kept: Values) -> dict[str, Any]:
        return {**kept, **{each: self.opened(kept.get(each) or {}) for each in SECTIONS}}

    def opened_row(self, row: StackRow) -> StackRow:
        """With its parameters as they were given."""
        return msgspec.structs.replace(
            row,
            parameters=self.opened(row.parameters),
            environment=self.opened_environment(row.environment),
        )

    def opened_document(self, data: Values) -> dict[str, Any]:
        """Of a snapshot."""
        return {**data, "environment": self.opened_environment(data["environment"])}

    def _close(self, value: Any) -> dict[str, str]:
        return {"sealed": self._seal.encrypt(msgspec.json.encode(value).decode())}

    def _open(self, kept: Any) -> Any:
        if not _looks_sealed(kept):
            return kept
        try:
            return msgspec.json.decode(self._seal.decrypt(kept["sealed"]))
        except InvalidToken:
            # Older than sealing: it is what somebody has sent.
            return kept


def _looks_sealed(value: Any) -> bool:
    return (
        isinstance(value, dict) and list(value) == ["sealed"] and isinstance(value["sealed"], str)
    )
