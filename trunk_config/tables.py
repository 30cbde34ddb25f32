"""Quotas as tables for people at a terminal."""

from collections.abc import Iterable, Iterator, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Column, Table
from rich.text import Text

from tieline.clock import iso_china
from trunk_config.profiles import Profile
from trunk_config.site_desk import Changed
from trunk_config.standing import CityStanding, Standing
from trunk_config.versions import Difference, QuotaVersion, differences


def standing_table(now: Standing) -> RenderableType:
    """Show how a site stands."""
    table = Table("city", *_numbers(("in use", "reserve", "cap", "access", "free")), title=_title(now))
    for row in now.cities:
        numbers = (row.in_use, row.reserve, row.cap, row.access, row.free)
        table.add_row(row.city, *(_number(number) for number in numbers), style=_style(row))
    used = "in use unknown: the site's Redis does not answer"
    if now.in_use is not None and now.kept is not None:
        open_to_all = max(0, now.lines - now.in_use - now.kept)
        used = f"{now.in_use} of {now.lines} lines in use, {now.kept} kept for cities below their reserve, "
        used += f"{open_to_all} open to all"
    return Group(table, *map(Text, (used, *_notes(now))))


def changed_table(done: Changed, before: QuotaVersion) -> RenderableType:
    """Show what a change changed."""
    version = done.version
    where = "in force" if done.in_force else "written; the site's keeper puts it in force when Redis is there"
    head = Text(f"{version.site}: version {version.version}, profile {version.profile}, {where}")
    return Group(head, *_until(version.until), *map(Text, _lines(differences(before.quotas, version.quotas))))


def history_table(versions: Sequence[QuotaVersion]) -> RenderableType:
    """Show versions, the newest first, each with what it changed."""
    lines: list[RenderableType] = []
    for place, version in enumerate(versions):
        until = f"until {iso_china(version.until)}" if version.until is not None else ""
        head = (f"version {version.version}", iso_china(version.at), version.by, version.profile, until)
        lines.append(Text("  ".join(filter(None, head)), style="bold"))
        lines.append(Padding(Text(version.why), (0, 0, 0, 4)))
        if place + 1 < len(versions):
            changes = ", ".join(_lines(differences(versions[place + 1].quotas, version.quotas)))
            lines.append(Padding(Text(changes), (0, 0, 0, 4)))
    return Group(*lines)


def profiles_table(profiles: Iterable[Profile]) -> Table:
    """Show the profiles of a site side by side: reserve and cap of each city."""
    chosen = list(profiles)
    table = Table("city", *_numbers(profile.name for profile in chosen), title="Profiles (reserve / cap)")
    for city in dict.fromkeys(city for profile in chosen for city in profile.quotas):
        quotas = [profile.quotas.get(city) for profile in chosen]
        table.add_row(city, *(f"{quota.reserve} / {quota.cap}" if quota else "" for quota in quotas))
    return table


def _title(now: Standing) -> str:
    return f"{now.site}: version {now.version}, profile {now.profile}{', changed by hand' if now.changed else ''}"


def _notes(now: Standing) -> Iterator[str]:
    yield f"by {now.by}, {iso_china(now.since)}: {now.why}"
    if now.until is not None:
        yield f"until {iso_china(now.until)}, then the former one returns by itself"
    if now.in_use is not None and now.installed != now.version:
        there = "none" if now.installed is None else f"version {now.installed}"
        yield f"NOT YET IN FORCE: the site's Redis has {there}"


def _until(until: float | None) -> list[Text]:
    return [] if until is None else [Text(f"until {iso_china(until)}, then the former one returns by itself")]


def _lines(found: Iterable[Difference]) -> list[str]:
    return [str(difference) for difference in found]


def _numbers(names: Iterable[str]) -> list[Column]:
    return [Column(name, justify="right") for name in names]


def _number(value: int | None) -> str:
    return "?" if value is None else str(value)


def _style(row: CityStanding) -> str:
    if row.free == 0:
        return "red"
    return "yellow" if row.in_use is not None and row.in_use > row.reserve else ""
