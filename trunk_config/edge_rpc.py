"""An edge's JSON-RPC: what Kamailio is asked and told besides SIP, from the loopback or the site network alone."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

import aiohttp

from tieline.errors import ConnectionLost, DeadlineExceeded, RemoteProtocolError, TielineError
from tieline.topology import Address, Edge

RPC_S: Final = 5.0
COUNTS_S: Final = 1.0
"""For what is only shown: an edge that is silent must not hold it up."""
_REFUSED: Final = "refused"
"""Kamailio's table of the calls that trunk groups out of use were refused, by group, since the edge started."""


async def call_edge(rpc: Address, method: str, *parameters: str, deadline_s: float | None = None) -> Any:
    """Call a method within a time, by default `RPC_S`, and give its result.

    Raises:
        ConnectionLost: The edge is not there.
        DeadlineExceeded: It does not answer.
        RemoteProtocolError: It refuses, or answers something else than JSON-RPC.
    """
    within_s = RPC_S if deadline_s is None else deadline_s
    asked = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
    try:
        async with (
            asyncio.timeout(within_s),
            aiohttp.ClientSession() as session,
            session.post(f"http://{rpc}/RPC", json=asked) as response,
        ):
            answer = await response.json(content_type=None)
    except TimeoutError:
        raise DeadlineExceeded(method, within_s) from None
    except aiohttp.ClientError as error:
        raise ConnectionLost(f"{method}: {error}") from error
    except ValueError as error:
        raise RemoteProtocolError(f"{method}: no JSON") from error
    if not isinstance(answer, dict) or "result" not in answer:
        raise RemoteProtocolError(f"{method}: {_reason(answer)}")
    return answer["result"]


async def maybe_refused(edges: Iterable[Edge]) -> Mapping[str, int] | None:
    """Count the calls that blocked groups and groups out of service were refused, by group, over all edges.

    Each edge counts from its start; one that does not answer is left out. None when none does.
    """
    found = [one for one in await asyncio.gather(*map(_maybe_counts, edges)) if one is not None]
    return sum(found, Counter()) if found else None


async def _maybe_counts(edge: Edge) -> Counter[str] | None:
    try:
        return counted(await call_edge(edge.rpc, "htable.dump", _REFUSED, deadline_s=COUNTS_S))
    except TielineError:
        return None


def counted(dump: Any) -> Counter[str]:
    """Read the counts out of `htable.dump`; what is of another form than Kamailio 6.1 gives counts nothing. Pure."""
    counts: Counter[str] = Counter()
    try:
        for entry in dump:
            counts.update({str(row["name"]): int(row["value"]) for row in entry["slot"]})
    except (TypeError, KeyError, ValueError):
        return Counter()
    return counts


def _reason(answer: object) -> str:
    error = answer.get("error") if isinstance(answer, dict) else None
    return str(error.get("message", error)) if isinstance(error, dict) else "no answer of JSON-RPC"
