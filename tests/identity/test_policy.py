"""Every operation's rule exists, and no rule lets a stranger change anything."""

from pathlib import Path

from cumulo import settings, wiring
from cumulo.core.auth.policy import RoleNames, Rules
from cumulo.identity.policy import RULES


def test_the_rules_of_all_operations_exist(tmp_path: Path) -> None:
    cloud = wiring.build(settings.load(tmp_path, fake=True, listen="127.0.0.1:1"))
    try:
        face = next(face for face in cloud.application.faces if face.name == "identity")
        named = {operation.policy for operation in face.operations if operation.policy}
    finally:
        cloud.close()
    assert len(named) > 100
    assert named <= set(RULES)


def test_nobody_without_a_role_changes_anything() -> None:
    """Rules that let people in for who they are, not for a role, are those of their own things."""
    rules = Rules(RULES)
    stranger = {"user_id": "u", "roles": RoleNames(), "domain_id": None, "system_scope": None}
    verbs = ("create", "update", "delete", "add", "remove", "revoke")
    open_to_all = {
        action
        for action in RULES
        if action.removeprefix("identity:").startswith(verbs) and rules.allows(action, stranger, {})
    }
    assert open_to_all == set()
    reader = {**stranger, "roles": RoleNames(["reader"]), "system_scope": "all"}
    assert rules.allows("identity:list_role_assignments", reader, {})
    assert not rules.allows("identity:create_grant", reader, {})
