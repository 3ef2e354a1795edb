"""Requests to other clouds' object stores, for container sync."""

from collections.abc import AsyncIterator, Mapping

from cumulo.core.outbound import client
from cumulo.core.outbound.client import RequestFailed
from cumulo.core.outbound.guard import resolve

PATIENCE = 60.0


class Clusters:
    """They are the operator's word (settings), whatever their addresses are."""

    async def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: AsyncIterator[bytes] | None = None,
    ) -> int:
        """The answer's status. Raises OSError when there is none."""
        try:
            target = client.target_of(url)
            addresses = await resolve(target.host, target.port)
            answer = await client.request(
                method, target, addresses, headers=headers, body=body, patience=PATIENCE
            )
        except (RequestFailed, ValueError) as error:
            raise OSError(str(error)) from None
        async with answer:
            return answer.status
