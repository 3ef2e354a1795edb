"""Speaks with agents: ironic-python-agent's commands API.

An agent runs on a machine that a tenant may have had before: its answers are bounded in size and
time, and nothing of them is followed.
"""

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec

from cumulo.baremetal.drivers.places import Places
from cumulo.baremetal.model.hardware import Agent, Command, Machine, Rejected
from cumulo.core.outbound import client
from cumulo.core.outbound.client import RequestFailed
from cumulo.core.work import pools

SECONDS = 60.0
MOST_COMMANDS = 1000


class AgentCalls:
    def __init__(self, places: Places) -> None:
        self._places = places

    def problem(self, info: Mapping[str, Any], url: str) -> str | None:
        return self._places.agent_problem(info, url)

    async def begin(
        self, machine: Machine, agent: Agent, name: str, params: Mapping[str, Any]
    ) -> Command:
        body = msgspec.json.encode({"name": name, "params": params})
        return _command(await self._ask(machine, agent, "POST", {"wait": "false"}, body))

    async def commands(self, machine: Machine, agent: Agent) -> Sequence[Command]:
        found = await self._ask(machine, agent, "GET", {}, None)
        listed = found.get("commands")
        if not isinstance(listed, list) or len(listed) > MOST_COMMANDS:
            raise OSError("the agent's answer makes no sense")
        return [_command(each) for each in listed]

    async def _ask(
        self,
        machine: Machine,
        agent: Agent,
        method: str,
        query: dict[str, str],
        body: bytes | None,
    ) -> dict[str, Any]:
        problem = self.problem(machine.info, agent.url)
        if problem is not None:
            raise Rejected(problem)
        asked = urlencode({**query, "agent_token": agent.token})
        target = client.target_of(f"{agent.url.rstrip('/')}/v1/commands/?{asked}")
        parts = urlsplit(agent.url)
        assert parts.hostname is not None and parts.port is not None
        try:
            async with asyncio.timeout(SECONDS):
                open_ = await pools.NET(
                    self._places.connect, machine.info, parts.hostname, parts.port
                )
                answer = await client.request(
                    method,
                    target,
                    [parts.hostname],
                    headers={"Content-Type": "application/json"},
                    body=body,
                    patience=30.0,
                    verify=_trust(agent) if parts.scheme == "https" else None,
                    connected=open_,
                )
                async with answer:
                    raw = await answer.text()
        except (RequestFailed, TimeoutError) as error:
            raise OSError(f"the agent does not answer: {error or 'in time'}") from None
        try:
            found = msgspec.json.decode(raw, type=dict[str, Any])
        except msgspec.MsgspecError:
            raise OSError("the agent's answer is no JSON") from None
        if answer.status == 409:
            raise OSError("the agent is at another command")
        if answer.status >= 400:
            told = str(found.get("message") or found.get("faultstring") or answer.status)[:500]
            raise Rejected(f"the agent refuses: {told}")
        return found


def _trust(agent: Agent) -> ssl.SSLContext:
    """This one certificate, whoever it was made for: the address is not known before."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    try:
        context.load_verify_locations(cadata=agent.certificate)
    except (ssl.SSLError, ValueError):
        raise Rejected("the agent's certificate is none") from None
    return context


def _command(found: Any) -> Command:
    if not isinstance(found, dict):
        raise OSError("the agent's answer makes no sense")
    error = found.get("command_error")
    if isinstance(error, dict):
        error = error.get("message") or error.get("details") or error.get("type")
    result = found.get("command_result")
    return Command(
        id=str(found.get("id"))[:64],
        name=str(found.get("command_name"))[:100].rpartition(".")[2],
        status=str(found.get("command_status"))[:32],
        result=result if isinstance(result, dict) else {},
        error=str(error or "")[:2000],
    )
