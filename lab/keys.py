"""Which keys a caller presses to get what he wants: read from the menus, as the callers themselves do."""

from functools import cache

from ivr_prompts.menus import Act, Menus, load_menus
from ivr_prompts.texts import DIALECTS, load_texts
from lab.errors import LabError
from tieline.model import MANDARIN, Business, DialectId
from tieline.topology import City


def keys_for(city: City, dialect: DialectId, business: Business, *, is_known: bool = False) -> str:
    """Give the keys from the first menu to the waiting pool.

    Args:
        city: Its dialects are offered in its order.
        dialect: Wanted language.
        business: Wanted business; `other` is the key for an agent.
        is_known: The caller's dialect is remembered, so it is not asked.

    Raises:
        LabError: The menu does not offer it.
    """
    menus = _menus()
    if is_known:
        return _business_key(menus, menus.known, business)
    if business is Business.OTHER and dialect == MANDARIN:
        return _agent_key(menus, menus.first)
    first = menus.menus[menus.first]
    # The same order as ivr_prompts.flow.MenuFlow offers; a test holds the two together.
    offered = [known for known in dict.fromkeys(city.dialects) if known in DIALECTS]
    offered += [] if MANDARIN in offered else [MANDARIN]
    if dialect not in offered:
        raise LabError(f"{city.id} is not offered {dialect}; it is offered {', '.join(offered)}")
    return str(offered.index(dialect) + 1) + _business_key(menus, first.dialects, business)


@cache
def _menus() -> Menus:
    return load_menus(load_texts())


def _business_key(menus: Menus, menu_id: str, business: Business) -> str:
    if business is Business.OTHER:
        return _agent_key(menus, menu_id)
    for option in menus.menus[menu_id].options:
        if option.act is Act.BUSINESS and option.target == business:
            return option.digit
    raise LabError(f"the menu {menu_id} has no key for {business}")


def _agent_key(menus: Menus, menu_id: str) -> str:
    return next(option.digit for option in menus.menus[menu_id].options if option.act is Act.AGENT)
