"""Blueprints of stacks: built from their rows, kept while the same traversal lasts."""

import contextlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from cumulo.core.db.transaction import Tx
from cumulo.orchestration.language.constraints import Custom, no_custom
from cumulo.orchestration.language.environment import Environment
from cumulo.orchestration.language.environment import parse as parse_environment
from cumulo.orchestration.language.functions import Budget
from cumulo.orchestration.language.invalid import Invalid
from cumulo.orchestration.model.resource import ResourceRow
from cumulo.orchestration.model.stack import StackRow
from cumulo.orchestration.service.blueprint import (
    MOST_PLAN,
    Blueprint,
    Implied,
    Surroundings,
    letters,
    no_facade,
    nothing_implied,
    nothing_nested,
)
from cumulo.orchestration.service.files import files_of
from cumulo.orchestration.service.hidden import Hidden

KEPT, KEPT_LETTERS = 1024, 16 * 1024 * 1024
"""Blueprints, and letters of their templates together."""


class Blueprints:
    def __init__(
        self,
        region: str,
        hidden: Hidden,
        implied: Implied = nothing_implied,
        nested: Callable[[str], bool] = nothing_nested,
    ) -> None:
        self._region = region
        self.hidden = hidden
        self._implied = implied
        self._nested = nested
        self._kept: OrderedDict[tuple[str, int], Blueprint] = OrderedDict()
        self._sizes: dict[tuple[str, int], int] = {}
        self._lock = threading.Lock()
        self._here = threading.local()

    def of(self, tx: Tx, stack: StackRow) -> Blueprint:
        """Of a stack as it is wanted now."""
        key = (stack.id, stack.traversal)
        fresh = self._fresh(tx)
        with contextlib.suppress(KeyError):
            self._kept.move_to_end(key)
        found = self._kept.get(key) or fresh.get(key)
        if found is None:
            found = self.build(
                stack.template,
                self.hidden.opened_environment(stack.environment),
                files_of(tx, stack),
                self.hidden.opened(stack.parameters),
                pseudo=self.pseudo(stack),
                facade=self.facade(tx, stack),
            )
            made = fresh[key] = found
            # A wish that is undone leaves nothing behind: the next one may get its number.
            tx.after_commit(lambda: self._keep(key, made))
        elif key not in fresh:
            # Kept for many requests, each of which has its own.
            found.budget = Budget(MOST_PLAN)
            fresh[key] = found
        return found

    def _fresh(self, tx: Tx) -> dict[tuple[str, int], Blueprint]:
        """Those that this transaction has built."""
        if getattr(self._here, "tx", None) is not tx:
            self._here.tx, self._here.built = tx, {}
        built: dict[tuple[str, int], Blueprint] = self._here.built
        return built

    def _keep(self, key: tuple[str, int], made: Blueprint) -> None:
        """Those that were asked for last are kept, as far as there is room."""
        with self._lock:
            self._sizes[key] = letters(made.document)
            self._kept[key] = made
            while len(self._kept) > KEPT or sum(self._sizes.values()) > KEPT_LETTERS:
                gone, _ = self._kept.popitem(last=False)
                self._sizes.pop(gone, None)

    def build(
        self,
        template: dict[str, Any],
        environment: Mapping[str, Any] | Environment,
        files: Mapping[str, str],
        parameters: Mapping[str, Any],
        *,
        pseudo: Mapping[str, Any],
        facade: Callable[[str], Any] = no_facade,
        custom: Custom = no_custom,
        lenient: bool = False,
        budget: Budget | None = None,
    ) -> Blueprint:
        """Raises Invalid."""
        if not isinstance(environment, Environment):
            environment = parse_environment(dict(environment))
        around = Surroundings(
            pseudo,
            _no_query,
            facade,
            custom=custom,
            implied=self._implied,
            nested=self._nested,
        )
        given = {**environment.parameters, **parameters}
        return Blueprint(template, environment, files, given, around, lenient, budget)

    def pseudo(self, stack: StackRow) -> dict[str, Any]:
        return pseudo_parameters(stack.id, stack.name, stack.project_id, self._region)

    def facade(self, tx: Tx, stack: StackRow) -> Callable[[str], Any]:
        """What a nested stack may ask of the resource that it is, by whichever transaction it is
        asked in: blueprints are kept for others."""
        self._fresh(tx)
        parent_id = stack.parent_id
        if parent_id is None:
            return no_facade

        def facade(part: str) -> Any:
            tx = self._here.tx
            row = tx.get(ResourceRow, parent_id)
            if row is None:
                return no_facade(part)
            if part == "metadata":
                return row.metadata
            if part == "deletion_policy":
                return row.deletion_policy
            parent = tx.get(StackRow, row.stack_id)
            assert parent is not None
            return self.of(tx, parent).facade_of(row.name, part)

        return facade


def pseudo_parameters(stack_id: str, name: str, project_id: str, region: str) -> dict[str, Any]:
    arn = f"arn:openstack:heat::{project_id}:stacks/{name}/{stack_id}"
    return {
        "OS::stack_id": stack_id,
        "OS::stack_name": name,
        "OS::project_id": project_id,
        "AWS::Region": region,
        "AWS::StackId": arn,
        "AWS::StackName": name,
    }


def _no_query(expression: str, data: Any) -> Any:
    raise Invalid("yaql is not in this release")


def stored_environment(environment: Environment) -> dict[str, Any]:
    return dict(msgspec.structs.asdict(environment))
