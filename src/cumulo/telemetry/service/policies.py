"""Archive policies, and the rules that choose one by a metric's name."""

import functools
from collections.abc import Sequence

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, Conflict, NotFound
from cumulo.core.wire.patterns import BadPattern, Pattern
from cumulo.telemetry.model.metric import ArchivePolicyRow, ArchivePolicyRuleRow, Definition
from cumulo.telemetry.model.points import DEFAULT_METHODS, METHODS
from cumulo.telemetry.queries import metric as queries

DAY = 86400
_LONG = [Definition(1, 3600), Definition(60, 10080), Definition(3600, 8760)]
POLICIES: tuple[ArchivePolicyRow, ...] = (
    ArchivePolicyRow("bool", [Definition(1, 31536000)], ["last"], 3600),
    ArchivePolicyRow("ceilometer-high", _LONG, ["mean"], 0),
    ArchivePolicyRow("ceilometer-high-rate", _LONG, ["rate:mean", "mean"], 0),
    ArchivePolicyRow("ceilometer-low", [Definition(300, 8640)], ["mean"], 0),
    ArchivePolicyRow("ceilometer-low-rate", [Definition(300, 8640)], ["rate:mean", "mean"], 0),
    ArchivePolicyRow("high", _LONG, DEFAULT_METHODS, 0),
    ArchivePolicyRow("low", [Definition(300, 8640)], DEFAULT_METHODS, 0),
    ArchivePolicyRow("medium", [Definition(60, 10080), Definition(3600, 8760)], DEFAULT_METHODS, 0),
)
RULES = (ArchivePolicyRuleRow("default", "*", "low"),)
MOST_POLICIES = 1000
MOST_RULES = 1000


class Policies:
    def first(self, tx: Tx) -> None:
        for row in (*POLICIES, *RULES):
            tx.insert(row, ignore_duplicate=True)

    def all(self, tx: Tx) -> list[ArchivePolicyRow]:
        return tx.all(queries.POLICIES)

    def get(self, tx: Tx, name: str) -> ArchivePolicyRow:
        found = tx.get(ArchivePolicyRow, name)
        if found is None:
            raise NotFound(f"Archive policy {name} does not exist")
        return found

    def create(
        self, tx: Tx, name: str, definition: Sequence[Definition], methods: Sequence[str], back: int
    ) -> ArchivePolicyRow:
        """`methods`: with a minus before them they are taken from the usual ones, with a plus
        added. Raises BadRequest, Conflict."""
        row = ArchivePolicyRow(name, _ordered(definition), _methods(methods), back)
        if len(self.all(tx)) >= MOST_POLICIES:
            raise BadRequest(f"There may be {MOST_POLICIES} archive policies")
        if not tx.insert(row, ignore_duplicate=True):
            raise Conflict(f"Archive policy {name} already exists")
        return row

    def update(self, tx: Tx, name: str, definition: Sequence[Definition]) -> ArchivePolicyRow:
        """Only for how long points are kept may change."""
        row = self.get(tx, name)
        ordered = _ordered(definition)
        now = [each.granularity for each in ordered]
        for each in row.definition:
            if each.granularity not in now or len(now) != len(row.definition):
                raise BadRequest(
                    f"Archive policy {name} does not support change: "
                    f"{float(each.granularity)} granularity interval was changed"
                )
        return tx.update(row, definition=ordered)

    def delete(self, tx: Tx, name: str) -> None:
        row = self.get(tx, name)
        used = int(tx.value(queries.POLICY_USED, name=name))
        if used or int(tx.value(queries.POLICY_RULED, name=name)):
            raise BadRequest(f"Archive policy {name} is still in use")
        tx.delete(row)

    # --- rules ----------------------------------------------------------------------------------

    def rules(self, tx: Tx) -> list[ArchivePolicyRuleRow]:
        return tx.all(queries.RULES)

    def rule(self, tx: Tx, name: str) -> ArchivePolicyRuleRow:
        found = tx.get(ArchivePolicyRuleRow, name)
        if found is None:
            raise NotFound(f"Archive policy rule {name} does not exist")
        return found

    def create_rule(self, tx: Tx, name: str, pattern: str, policy: str) -> ArchivePolicyRuleRow:
        if tx.get(ArchivePolicyRow, policy) is None:
            raise BadRequest(f"Archive policy {policy} does not exist")
        glob(pattern)
        if len(self.rules(tx)) >= MOST_RULES:
            raise BadRequest(f"There may be {MOST_RULES} archive policy rules")
        row = ArchivePolicyRuleRow(name, pattern, policy)
        if not tx.insert(row, ignore_duplicate=True):
            raise Conflict(f"Archive policy rule {name} already exists")
        return row

    def rename_rule(self, tx: Tx, name: str, new: str) -> ArchivePolicyRuleRow:
        row = self.rule(tx, name)
        if new == name:
            return row
        tx.delete(row)
        made = ArchivePolicyRuleRow(new, row.metric_pattern, row.archive_policy)
        if not tx.insert(made, ignore_duplicate=True):
            raise BadRequest(
                f"Archive policy rule {name} does not support change: "
                f"Archive policy rule {new} already exists."
            )
        return made

    def delete_rule(self, tx: Tx, name: str) -> None:
        tx.delete(self.rule(tx, name))

    def chosen(self, tx: Tx, given: str | None, metric: str | None) -> ArchivePolicyRow:
        """What a new metric is kept by: the policy that is named, else that of the longest pattern
        that its name fits. Raises BadRequest."""
        if given is not None:
            found = tx.get(ArchivePolicyRow, given)
            if found is None:
                raise BadRequest(f"Archive policy {given} does not exist")
            return found
        rules = sorted(
            self.rules(tx),
            key=lambda rule: (len(rule.metric_pattern), rule.metric_pattern),
            reverse=True,
        )
        for rule in rules:
            if glob(rule.metric_pattern).found_in(metric or ""):
                return self.get(tx, rule.archive_policy)
        raise BadRequest(
            "No archive policy name specified and no archive policy rule found matching the "
            f"metric name {metric}"
        )


@functools.lru_cache(maxsize=1024)
def glob(text: str) -> Pattern:
    """`*` is any text, `?` any letter. Raises BadRequest."""
    made = "".join({"*": ".*", "?": "."}.get(each) or _plain(each) for each in text)
    try:
        return Pattern(f"(?s)^{made}$")
    except BadPattern as problem:
        raise BadRequest(f"Invalid input: {problem}") from None


def _plain(letter: str) -> str:
    return letter if letter.isalnum() or letter in "_ /" else f"\\{letter}"


def _ordered(definition: Sequence[Definition]) -> list[Definition]:
    seen: set[int] = set()
    for each in definition:
        if each.granularity in seen:
            # With the marks of its page, as Gnocchi's clients know it.
            raise BadRequest(
                f"More than one archive policy uses granularity `{float(each.granularity)}&#x27;"
            )
        seen.add(each.granularity)
    return sorted(definition, key=lambda each: each.granularity)


def _methods(given: Sequence[str]) -> list[str]:
    changes = [each for each in given if each[:1] in "+-"]
    chosen = list(DEFAULT_METHODS) if len(changes) == len(given) else []
    for each in given:
        name = each.lstrip("+-")
        if name not in METHODS and name != "*":
            raise BadRequest(f"Invalid input: unknown aggregation method {name[:40]!r}")
        if each.startswith("-"):
            chosen = [] if name == "*" else [method for method in chosen if method != name]
        else:
            wanted = sorted(METHODS) if name == "*" else [name]
            chosen += [method for method in wanted if method not in chosen]
    return chosen
