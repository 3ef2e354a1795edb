"""Wait conditions of other families: CloudFormation's, and those for Swift's temporary URLs.

Their handles' reference is the address itself; it is Cumulo's own, whatever the family.
"""

from collections.abc import Mapping
from typing import Any

from cumulo.core.faults import BadRequest
from cumulo.core.resource_types import number, text
from cumulo.orchestration.model.resource import ResourceRow
from cumulo.orchestration.service.handlers import Handler, Seal, Work
from cumulo.orchestration.service.waits import (
    MOST_SECONDS,
    MOST_SIGNALS,
    OTHERS,
    WaitCondition,
    WaitHandle,
)

CFN_HANDLE = "AWS::CloudFormation::WaitConditionHandle"
UPDATE_HANDLE = "OS::Heat::UpdateWaitConditionHandle"
SWIFT_HANDLE = "OS::Heat::SwiftSignalHandle"
HANDLES = (CFN_HANDLE, UPDATE_HANDLE, SWIFT_HANDLE)
WORDS = {"Status": "status", "Reason": "reason", "Data": "data", "UniqueId": "id"}


class CfnHandle(WaitHandle):
    """`AWS::CloudFormation::WaitConditionHandle`: its reference is where signals are PUT."""

    description = "A handle whose reference is the address to PUT signals to."
    properties = {}
    attributes: Mapping[str, str] = {}

    def reference(self, work: Work) -> Any:
        return self.url(work)

    def signal(self, work: Work, details: Mapping[str, Any]) -> str:
        """As cfn-signal words it, or the API's SignalResource."""
        unknown = set(details) - {*WORDS, *WORDS.values()}
        if unknown:
            raise BadRequest(f"A signal has {', '.join(WORDS)}.")
        said = {WORDS.get(name, name): value for name, value in details.items()}
        return super().signal(work, said)


class UpdateHandle(CfnHandle):
    """`OS::Heat::UpdateWaitConditionHandle`: another one with each update of the stack."""

    description = "A handle that is made anew by each update of its stack."
    renewed = True


class SwiftHandle(WaitHandle):
    """`OS::Heat::SwiftSignalHandle`"""

    description = "A handle that is signalled by PUT, without a token."
    properties = {}
    attributes = {
        "token": "Tokens are not needed: nothing.",
        "endpoint": "The address to PUT a signal to.",
        "curl_cli": "The beginning of a command that signals: --data-binary and the signal follow.",
    }

    def reference(self, work: Work) -> Any:
        return self.url(work)

    def attribute(self, work: Work, name: str) -> Any:
        if name not in self.attributes:
            raise KeyError(name)
        url = self.url(work)
        if name == "curl_cli" and url is not None:
            return f"curl -i -X PUT -H 'Content-Type: application/json' '{url}'"
        return url if name == "endpoint" else None


class _ByAddress(WaitCondition):
    def _handle(self, work: Work, reference: Any) -> ResourceRow | None:
        """From the handle's address."""
        parts = str(reference).split("/signal/")
        row = work.tx.get(ResourceRow, parts[-1].partition("/")[0]) if len(parts) == 2 else None
        known = row is not None and row.kind in HANDLES and row.stack_id == work.stack.id
        return row if known else None


class CfnCondition(_ByAddress):
    """`AWS::CloudFormation::WaitCondition`"""

    description = "Waits until its handle has been signalled often enough."
    properties = {
        "Handle": text("The address that the handle's reference is.", required=True),
        "Timeout": number(
            "The number of seconds to wait for the signals.",
            required=True,
            constraints=[{"range": {"min": 1, "max": MOST_SECONDS}}],
        ),
        "Count": number(
            "The number of success signals that must be received.",
            default=1,
            update=True,
            constraints=[{"range": {"min": 1, "max": MOST_SIGNALS}}],
        ),
    }
    attributes = {"Data": "JSON text of the signals' data by their ids."}

    def given(self, properties: Mapping[str, Any]) -> Mapping[str, Any]:
        return {name.lower(): value for name, value in properties.items()}


class SwiftSignal(_ByAddress):
    """`OS::Heat::SwiftSignal`"""

    description = "Waits until its handle has been signalled often enough."


def other_waits(seal: Seal, address: str) -> dict[str, Handler]:
    return {
        CFN_HANDLE: CfnHandle(seal, address),
        UPDATE_HANDLE: UpdateHandle(seal, address),
        SWIFT_HANDLE: SwiftHandle(seal, address),
        OTHERS[0]: CfnCondition(),
        OTHERS[1]: SwiftSignal(),
    }
