"""What the parts of one process share."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import cached_property
from typing import TYPE_CHECKING

from service.context import SiteContext
from service.network import NetworkWatch
from tieline.live import Live

if TYPE_CHECKING:
    from tieline.database import Database

Metrics = dict[str, Callable[[], Mapping[str, float]]]


class Shared:
    """What the parts of one process share.

    Attributes:
        context: The site's data.
        agi_indexes: Which of the site's AGI addresses this process serves, counted from 0.
        live: The site's Redis.
        metrics: Where each part puts its figures.
        network: Tells of changes of the network.

    Args:
        ends: Closes, at the end of the process, what a part has opened for all.
    """

    def __init__(
        self, context: SiteContext, agi_indexes: Sequence[int], live: Live, network: NetworkWatch, ends: ExitStack
    ) -> None:
        self.context = context
        self.agi_indexes = agi_indexes
        self.live = live
        self.network = network
        self.metrics: Metrics = {}
        self._ends = ends

    @cached_property
    def database(self) -> "Database":
        """SQL, one pool for all; opened for the first part that asks, since to load SQLAlchemy takes its time."""
        from tieline.database import Database

        settings = self.context.settings
        database = Database(settings.database_url, deadline_s=settings.sql_deadline_s)
        self._ends.callback(database.close)
        return database
