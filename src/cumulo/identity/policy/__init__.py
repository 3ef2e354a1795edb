"""Identity's rules: keystone's names, and its defaults in substance.

Targets carry `target.domain_id`-like keys flat, as the policy language wants them. One file for
each group of nouns; `parts` has what they share.
"""

from cumulo.identity.policy import (
    assignments,
    authentication,
    catalog,
    credentials,
    federation,
    limits,
    parts,
    resources,
    users,
)
from cumulo.identity.policy.scopes import scopes

RULES: dict[str, str] = {
    **parts.RULES,
    **resources.RULES,
    **users.RULES,
    **authentication.RULES,
    **assignments.RULES,
    **catalog.RULES,
    **credentials.RULES,
    **limits.RULES,
    **federation.RULES,
}

SCOPES = scopes(list(RULES))
