"""The same configuration for several servers: a stack of deployments, one for each."""

from collections.abc import Mapping, Sequence
from typing import Any

from cumulo.core.resource_types import Property, mapping
from cumulo.orchestration.model.stack import StackRow
from cumulo.orchestration.queries import resource as resources
from cumulo.orchestration.service.batches import Batched, Members, seconds, whole
from cumulo.orchestration.service.deployments import SoftwareDeployment, StructuredDeployment
from cumulo.orchestration.service.handlers import Work
from cumulo.orchestration.service.nested import room_for
from cumulo.orchestration.service.stacks import Stacks

_OF_ALL = {
    "deploy_stdouts": "deploy_stdout",
    "deploy_stderrs": "deploy_stderr",
    "deploy_status_codes": "deploy_status_code",
}


class DeploymentGroup(Batched):
    """`OS::Heat::SoftwareDeploymentGroup`"""

    description = "Associates a group of servers with some configuration."
    member = "OS::Heat::SoftwareDeployment"
    update_policy = {
        name: mapping(
            {
                "max_batch_size": whole("The most that are deployed at once.", 1, 1),
                "pause_time": seconds(),
            },
            f"How the group is {word}.",
        )
        for name, word in (("rolling_update", "changed"), ("batch_create", "made"))
    }
    of = SoftwareDeployment
    attributes: Mapping[str, str] = {
        "deploy_stdouts": "A map of captured stdouts from the servers.",
        "deploy_stderrs": "A map of captured stderrs from the servers.",
        "deploy_status_codes": "A map of returned status codes from the servers.",
    }

    def __init__(self, stacks: Stacks) -> None:
        super().__init__(stacks)
        own = {n: one for n, one in self.of.properties.items() if n != "server"}
        self.properties: Mapping[str, Property] = {
            **own,
            "servers": mapping(
                None,
                "A map of names and servers to apply the config to.",
                required=True,
                update=True,
            ),
        }

    def check(self, properties: Mapping[str, Any]) -> str | None:
        if len(properties["servers"]) > 500:
            return "at most 500 servers"
        return None

    def target(self, work: Work) -> dict[str, Any]:
        common = {name: value for name, value in work.properties.items() if name != "servers"}
        room_for(len(work.properties["servers"]), common, {})
        return {str(name): self.fresh(work, str(name)) for name in work.properties["servers"]}

    def settled(self, work: Work) -> dict[str, Any]:
        return self.target(work)

    def fresh(self, work: Work, name: str) -> Any:
        given = work.properties
        if name not in given["servers"]:
            return None
        common = {n: v for n, v in given.items() if n != "servers" and v is not None}
        properties = {**common, "server": given["servers"][name]}
        return {"type": self.member, "properties": properties}

    def spare(self, work: Work, taken: Members) -> str:
        """Of servers that are given there is none; only a least in service would ask for one, and
        this group's policy has no such word."""
        raise AssertionError(f"{work.place.name}: a group of given servers does not grow")

    def reference(self, work: Work) -> Any:
        return work.place.name

    def attribute(self, work: Work, name: str) -> Any:
        child = self.child(work)
        if child is None:
            return None
        return self._each(work, child, _OF_ALL.get(name, name))

    def _each(self, work: Work, child: StackRow, name: str) -> dict[str, Any]:
        rows = work.tx.all(resources.OF_STACK, stack=child.id)
        names = sorted({row.name for row in rows if row.goal == "present"})
        return {each: self.inner_at(work, child, each, [name]) for each in names}

    def attribute_at(self, work: Work, name: str, path: Sequence[Any]) -> Any:
        found = self.attribute(work, name)
        for key in path:
            found = found.get(key) if isinstance(found, dict) else None
        return found


class StructuredDeploymentGroup(DeploymentGroup):
    """`OS::Heat::StructuredDeploymentGroup`"""

    description = "Associates a group of servers with some structured configuration."
    member = "OS::Heat::StructuredDeployment"
    of = StructuredDeployment
