"""Calls to customers, each over a link of its own: the user who may originate may do nothing else, and hears nothing.

They are rare beside the calls that come in; a second link that stays would wake Asterisk with each event.
"""

import asyncio

from ami_bridge.actions import Originate
from ami_bridge.client import Client
from ami_bridge.correlator import Reply
from ami_bridge.dispatch import Dispatcher
from ami_bridge.node_link import NodeLink


async def call_out(link: NodeLink, call: Originate, *, deadline_s: float) -> Reply:
    """Log in, say one Originate, and give its answer.

    Args:
        link: The node, and the user who may originate.
        call: Never said twice.
        deadline_s: For all of it, seconds.

    Raises:
        NotReady: No link in time; nothing was sent.
        DeadlineExceeded: No answer in time; whether the customer is rung is not known.
        ConnectionLost: The link broke before the answer; the same.
        LocalProtocolError: The call must not be sent.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + deadline_s
    client = Client(link, Dispatcher(), on_up=_nothing, on_down=_nothing)
    async with client.linked():
        await client.come_up(deadline_s)
        return await client.do(call, deadline_s=until - loop.time())


def _nothing(*_: object) -> None:
    """Take no notice."""
