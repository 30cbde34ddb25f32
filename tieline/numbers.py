"""Callers' numbers: what a trunk shows becomes an E.164 number, "withheld" or "unusable". Never an error.

The only module that imports phonenumbers. That library is exact about form, but not about place: 591…599 are also
country codes, so a Fujian number with a stray `+` lies in Guyana for it, and some mobile prefixes have no place or a
wrong one. So the trunk's city comes first, our own table of prefixes second, the library third.

Source: cases measured with phonenumbers 9.0.43, kept in `tests/unit/tieline/test_numbers.py`.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Final

import phonenumbers
from phonenumbers import geocoder

from tieline.model import CallerNumber, CityId, NumberState
from tieline.toml_file import TomlFile
from tieline.topology import City

OVERLAY: Final = Path(__file__).parent / "data" / "mobile_overlay.toml"

IP_PREFIXES: Final = ("17951", "12593", "11808", "17909", "17911")
"""Carriers' prefixes for long-distance calls over IP that some exchanges leave in front of the caller's number."""

HOTLINE: Final = "95598"

_WITHHELD_NUMBERS: Final = frozenset(
    ["anonymous", "restricted", "private", "withheld", "unknown", "unavailable", "unidentified", "匿名", "未知"]
)
_WITHHELD_NAMES: Final = frozenset(("anonymous", "restricted", "private", "withheld", "匿名"))
"""A name "unknown" says nothing about the number, so it is not here."""

_MAX_LENGTH: Final = 80
"""Longer texts are no numbers: 15 digits, prefixes, separators and a phone-context stay well below."""

_FORM: Final = re.compile(
    r"(?:tel:)?(?P<number>\+?[0-9 ()./-]+)"
    r"(?:;phone-context=(?P<context>\+[0-9-]+))?"
    r"(?:;ext=[0-9]+|[ ,]*(?:ext\.?|x|#)[ ]?[0-9]+)?",
    re.IGNORECASE | re.ASCII,
)
_E164: Final = re.compile(r"\+[0-9]{6,15}", re.ASCII)
_MOBILE: Final = re.compile(r"1[3-9][0-9]{9}", re.ASCII)
_LOCAL: Final = re.compile(r"[2-8][0-9]{6,7}", re.ASCII)

_WITHHELD: Final = CallerNumber(NumberState.WITHHELD)
_UNUSABLE: Final = CallerNumber(NumberState.UNUSABLE)


@dataclass(frozen=True, slots=True, eq=False)
class NumberPlan:
    """What is known of numbers and places in one topology; made once by `load_number_plan`.

    Attributes:
        area_codes: Area code without the leading zero (`591`) to city.
        places: The library's English name of a place (`Fuzhou, Fujian`) to city.
        overlay: Mobile prefix to city, or None for "do not believe the library".
    """

    area_codes: Mapping[str, CityId]
    places: Mapping[str, CityId]
    overlay: Mapping[str, CityId | None] = field(default_factory=dict)

    def area_code_of(self, city: CityId | None) -> str:
        """Find a city's area code without the leading zero, or empty."""
        return next((code for code, other in self.area_codes.items() if other == city), "")


def load_number_plan(cities: Iterable[City], overlay: Path = OVERLAY) -> NumberPlan:
    """Make the number plan of a topology's cities.

    Raises:
        ConfigError: The overlay file is refused; `problems` holds all its faults.
    """
    served = tuple(cities)
    area_codes = {city.area_code.removeprefix("0"): city.id for city in served}
    file = TomlFile(overlay)
    prefixes: dict[str, CityId | None] = {}
    for table in file.root.tables("prefix"):
        digits = table.text("digits")
        area_code = table.text("area_code", may_be_empty=True)
        if digits and not re.fullmatch(r"1[0-9]{2,9}", digits, re.ASCII):
            table.fault("digits", f"`{digits}` is no mobile prefix", "write three to ten digits, 1 first")
        elif digits and digits in prefixes:
            table.fault("digits", f"prefix {digits} stands here twice", "remove one")
        if area_code and not re.fullmatch(r"0[0-9]{2,3}", area_code, re.ASCII):
            table.fault("area_code", f"`{area_code}` is no area code", 'write e.g. "0591", or "" for not known')
        prefixes[digits] = area_codes.get(area_code.removeprefix("0"))
        table.finish()
    file.root.finish()
    file.refuse_if_faulty()
    places = {f"{city.english}, Fujian": city.id for city in served}
    return NumberPlan(area_codes=area_codes, places=places, overlay=prefixes)


def parse_caller(
    raw_number: str, raw_name: str, *, privacy: bool, trunk_city: CityId | None, plan: NumberPlan
) -> CallerNumber:
    """Say what is known of a caller's number. Pure, and never raises, whatever the texts hold.

    Args:
        raw_number: As the trunk shows it: any text.
        raw_name: The display name beside it: any text.
        privacy: The network asked not to show the number (`Privacy: id`, or presentation restricted).
        trunk_city: City whose trunk group the call came by; None when it came by no city's trunk.
        plan: The number plan.

    Returns:
        `shown` with the number in E.164 and the city that the number itself points to, if any; `withheld` when the
        caller or the network hides it; else `unusable`: no text, not a number, or none that could be called back.
    """
    if privacy or raw_name[:_MAX_LENGTH].strip().strip('"').lower() in _WITHHELD_NAMES:
        return _WITHHELD
    if len(raw_number) > _MAX_LENGTH:
        return _UNUSABLE
    return _parse(raw_number, trunk_city, plan)


@lru_cache(maxsize=4096)
def _parse(raw_number: str, trunk_city: CityId | None, plan: NumberPlan) -> CallerNumber:
    # NFKC turns full-width digits, plus and brackets into the plain ones.
    text = unicodedata.normalize("NFKC", raw_number).strip()
    if not text or text.lower() in _WITHHELD_NUMBERS:
        return _WITHHELD
    form = _FORM.fullmatch(text)
    if form is None:
        return _UNUSABLE
    digits = re.sub(r"[^0-9]", "", form["number"])
    international = "+" in form["number"]
    if form["context"] and not international:
        digits = re.sub(r"[^0-9]", "", form["context"]) + digits.removeprefix("0")
        international = True
    for candidate in _candidates(digits, international, plan.area_code_of(trunk_city)):
        if found := _judge(candidate, plan):
            return found
    return _UNUSABLE


def _candidates(digits: str, international: bool, trunk_area: str) -> list[str]:
    """List what the digits may mean as `+…`, the likeliest first."""
    if not international:
        digits = _without_ip_prefix(digits)
        if digits.startswith("00"):
            international, digits = True, digits[2:]
    national = "+86" + digits.removeprefix("0")
    if international and digits.startswith("86"):
        return ["+86" + digits[2:].removeprefix("0")]
    if international:
        # A trunk that adds "+" or "00" to national numbers turns Xiamen into Guyana (+592): by a city's trunk the
        # national reading of 59x comes first. Others count as foreign unless nothing abroad looks like them.
        readings = [national, "+" + digits] if digits.startswith("59") else ["+" + digits, national]
        return readings if trunk_area else ["+" + digits]
    found = []
    if digits.startswith("86") and len(digits) >= 12:  # local numbers may begin with 86, but have 7 or 8 digits
        found.append("+86" + digits[2:].removeprefix("0"))
    if _LOCAL.fullmatch(digits):
        # Without an area code it can only be of the trunk's own city.
        return ["+86" + trunk_area + digits] if trunk_area else []
    return [*found, national]


def _without_ip_prefix(digits: str) -> str:
    # At least a local number must be left, or it was no prefix.
    if digits.startswith(IP_PREFIXES) and len(digits) >= 12:
        return digits[5:]
    return digits


def _judge(candidate: str, plan: NumberPlan) -> CallerNumber | None:
    """Accept a candidate as a number that could be called, or not."""
    national = candidate.removeprefix("+86") if candidate.startswith("+86") else ""
    if national.endswith(HOTLINE) and len(national) <= len(HOTLINE) + 3:
        # Another centre's 95598: the library takes it for a valid fixed line of its city. Nobody can be called back.
        return CallerNumber(NumberState.UNUSABLE, city=plan.area_codes.get(national[:3]))
    if _MOBILE.fullmatch(national):
        for length in range(10, 2, -1):
            if national[:length] in plan.overlay:
                return CallerNumber(NumberState.SHOWN, candidate, plan.overlay[national[:length]])
    try:
        number = phonenumbers.parse(candidate, None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    if not _E164.fullmatch(e164):
        return None
    return CallerNumber(NumberState.SHOWN, e164, _place(number, national, plan))


def _place(number: phonenumbers.PhoneNumber, national: str, plan: NumberPlan) -> CityId | None:
    if not national:
        return None
    if _MOBILE.fullmatch(national):
        return plan.places.get(geocoder.description_for_valid_number(number, "en"))
    return plan.area_codes.get(national[:3])
