"""Events told by AGI scripts."""

from tieline.bus.message import Message


class CallArrived(Message, frozen=True, tag=True):
    """A call reached a node and was admitted or refused.

    Attributes:
        number: E.164 when shown, else empty. Personal data: readers mask it.
        refused_cause: Q.850 cause when refused (34 quota, 42 platform), else 0.
        trunk: Trunk group that it came by.
        verdict: `trunk_config.admission.Verdict`: admit, safety, message or silent.
        quota_version: The quotas that were decided by.
        lines_in_use: Lines that the city used after the decision, this call's included when it was admitted.
    """

    call_id: str
    node: str
    channel: str
    uniqueid: str
    city: str
    number_state: str
    number: str = ""
    refused_cause: int = 0
    trunk: str = ""
    verdict: str = ""
    quota_version: int = 0
    lines_in_use: int = 0


class MenuChosen(Message, frozen=True, tag=True):
    """The caller chose a dialect and a business (`business` empty while only the dialect is known)."""

    call_id: str
    dialect: str
    business: str = ""


class CallWaiting(Message, frozen=True, tag=True):
    """The call entered the waiting pool.

    Attributes:
        since: Arrival in the pool, Unix seconds; kept when the call comes back after no answer.
        lane: `tieline.model.Lane`.
        county: Where the caller is, or empty.
        only_dialect: The caller is known to manage no Mandarin.
        uniqueid: Of the caller's channel.
        number: E.164 when shown, for queue_log. Personal data: readers mask it.
        moved_at: When the caller was last transferred, Unix seconds, 0 for never: his talk is over.
        wanted: Agent to whom he is transferred, or empty.
    """

    call_id: str
    node: str
    channel: str
    city: str
    dialect: str
    business: str
    since: float
    lane: str = "normal"
    county: str = ""
    only_dialect: bool = False
    uniqueid: str = ""
    number: str = ""
    moved_at: float = 0.0
    wanted: str = ""


class CallbackWanted(Message, frozen=True, tag=True):
    """The caller is to be called back, and waits no longer; he keeps his place.

    Attributes:
        why: `routing.callback.Why`: key, hung_up or closed; `withdrawn` when the dialler takes him out of the pool.
    """

    call_id: str
    city: str
    why: str


class OfferFailed(Message, frozen=True, tag=True):
    """The agent did not take the call (told by the `no_answer` script); `status` is Dial's DIALSTATUS."""

    call_id: str
    agent: str
    fence: int
    status: str


class CallRated(Message, frozen=True, tag=True):
    """The caller's rating after the talk: 1 (very satisfied) to 4, or 0 for none."""

    call_id: str
    rating: int


class CallJournalled(Message, frozen=True, tag=True):
    """The hang-up is on disk in the node's journal."""

    call_id: str
    node: str
    outcome: str
    witness: str
