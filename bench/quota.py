"""The reserve rule in a storm: simulated calls under the product's own rule, beside no rule and caps only.

The site has 240 lines and the reserves of the example's profile `normal`; every city calls as in its busy hour, and
one, two or three cities surge until, their further tries included, each offers 300 to 400 Erlang. In the hard case,
which is judged, their access does not limit them: nothing but the rule stands between them and the lines; each
city's cap is what the reserves of the others leave over. The rival `caps_only` has these caps and no reserves.
`example` is the profile as it stands, with the access of the example's trunk groups.

A city's loss is the share of its calls that are refused at the first try, as the mean over the seeds; `all_tries`
counts further tries, too: who tries again a minute later often meets the same full lines. A calm city's refusals are
so rare that luck moves their count by a sixth. So the same calls also go to a group of lines of the city's own, as
large as its reserve, whose loss is known (Erlang B), and the luck seen there is taken out (a control variate).
`counted` is the loss with the luck left in.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from statistics import linear_regression, mean, stdev
from typing import Final

from bench.quota_storm import Callers, Course, simulate
from bench.result import BenchResult, Figure, figure, versions_of
from tieline.model import CityId, SiteId
from tieline.topology_file import load_topology
from trunk_config.erlang import loss_of
from trunk_config.loads import load_loads
from trunk_config.profiles import NORMAL, load_profiles
from trunk_config.quota import Quota, SiteQuotas, site_quotas
from trunk_config.site_loss import site_loss

EXAMPLES: Final = Path(__file__).resolve().parent.parent / "examples"
SITE: Final = SiteId("fuzhou")
FUZHOU, NINGDE, PUTIAN = CityId("fuzhou"), CityId("ningde"), CityId("putian")
SURGES: Final[Sequence[Mapping[CityId, float]]] = (
    {FUZHOU: 257.0},
    {FUZHOU: 200.0, NINGDE: 154.0},
    {FUZHOU: 177.0, NINGDE: 138.0, PUTIAN: 138.0},
)
"""Load of first tries, Erlang; `load_…` among the figures tells what they are with the further ones."""

RUN_IN_S: Final = 1800.0
RIVAL_S: Final = 7200.0
"""Counted time of the rivals: there every city loses nearly half of its calls, so little time tells it."""
HOUR_S: Final = 3600.0
LOSS_GOAL: Final = 0.01

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Sample:
    """A mean over the seeds and its standard error."""

    mean: float
    error: float


@dataclass(frozen=True, slots=True)
class _Storm:
    """The courses of one storm, one a seed.

    Attributes:
        calm: Cities that do not surge.
    """

    quotas: SiteQuotas
    callers: Callers
    calm: Sequence[CityId]
    counted_s: float
    courses: Sequence[Course]

    def load(self, city: CityId) -> float:
        """Offered load of a city's tries, all of them, Erlang."""
        tries = mean(course.tries[city] for course in self.courses)
        return tries / self.counted_s * self.callers.holding_s

    def alone(self, city: CityId) -> float:
        """Loss of a city's first tries on a group of lines as large as its reserve."""
        return loss_of(self.callers.loads[city], self.quotas.quotas[city].reserve)

    def loss(self, city: CityId) -> Sample:
        """Loss of a city's first tries, luck taken out."""
        here = [course.calls_refused[city] / course.calls[city] for course in self.courses]
        alone = [course.calls_refused_alone[city] / course.calls[city] for course in self.courses]
        return luck_free(here, alone, self.alone(city))

    def counted(self, city: CityId) -> float:
        """Loss of a city's first tries as it was counted."""
        return mean(course.calls_refused[city] / course.calls[city] for course in self.courses)

    def all_tries(self, city: CityId) -> float:
        """Loss of all tries of a city as it was counted."""
        return mean(course.tries_refused[city] / course.tries[city] for course in self.courses)

    def worst(self, loss: Callable[[CityId], float]) -> float:
        """The greatest loss of a calm city."""
        return max(map(loss, self.calm))


def run(*, seeds: int, hours: float, say: Say) -> BenchResult:
    """Simulate everything; about 90 s with 20 seeds and 24 hours on one processor.

    Args:
        seeds: Courses of each storm.
        hours: Simulated time that is counted under the reserve rule, after half an hour of run-in.
        say: Tells what is being done.
    """
    topology = load_topology(EXAMPLES / "fujian.toml")
    example = site_quotas(topology, SITE, load_profiles(EXAMPLES / "quotas.toml", topology)[SITE, NORMAL].quotas)
    loads = load_loads(EXAMPLES / "load.toml", topology)
    home = {city: loads[city] for city in topology.cities if topology.cities[city].home == SITE}
    figures: dict[str, Figure] = {}
    for surging in SURGES:
        say(f"{len(surging)} in surge: " + ", ".join(surging))

        def storm(quotas: SiteQuotas, counted_s: float, surging: Mapping[CityId, float] = surging) -> _Storm:
            return _storm(quotas, home, surging, seeds, counted_s)

        figures |= _judged(f"{len(surging)}_surging", storm(_hard(example, home), hours * HOUR_S))
        figures |= _told(
            f"{len(surging)}_surging",
            example=storm(example, hours * HOUR_S / 3),
            caps_only=storm(_without_reserves(_hard(example, home)), RIVAL_S),
            no_rule=storm(_without_rule(example, home), RIVAL_S),
        )
    return BenchResult("quota", figures, versions_of(()))


def _storm(
    quotas: SiteQuotas,
    home: Mapping[CityId, float],
    surging: Mapping[CityId, float],
    seeds: int,
    counted_s: float,
) -> _Storm:
    callers = Callers({**home, **surging})
    courses = [simulate(quotas, callers, seed=seed, run_in_s=RUN_IN_S, counted_s=counted_s) for seed in range(seeds)]
    return _Storm(quotas, callers, [city for city in home if city not in surging], counted_s, courses)


def _judged(case: str, rule: _Storm) -> dict[str, Figure]:
    """The reserve rule in the hard case, with its goals and what theory says of it."""
    worst = max(rule.calm, key=lambda city: rule.loss(city).mean)
    tried = {city: rule.load(city) for city in rule.callers.loads}
    forecast = site_loss(rule.quotas, tried)
    surging = [city for city in rule.callers.loads if city not in rule.calm]
    told = sum(course.told for course in rule.courses)
    refused = sum(course.tries_refused.total() for course in rule.courses)
    figures = {
        "calm_loss": figure(rule.loss(worst).mean, "ratio", goal=LOSS_GOAL),
        "calm_loss_error": figure(rule.loss(worst).error, "ratio"),
        "calm_loss_counted": figure(rule.worst(rule.counted), "ratio"),
        "calm_loss_all_tries": figure(rule.worst(rule.all_tries), "ratio"),
        "calm_loss_forecast": figure(rule.worst(forecast.__getitem__), "ratio"),
        "calm_loss_erlang_b": figure(rule.worst(rule.alone), "ratio"),
        "surging_loss": figure(mean(map(rule.counted, surging)), "ratio"),
        "surging_loss_forecast": figure(mean(forecast[city] for city in surging), "ratio"),
        "idle_beyond_reserves": figure(max(course.excess_most for course in rule.courses), "lines", goal=0),
        "idle_at_refusal": figure(max(course.idle_most for course in rule.courses), "lines"),
        "refused_told": figure(told / refused, "ratio"),
        **{f"load_{city}": figure(tried[city], "erlang") for city in surging},
    }
    return {f"{case}_{name}": found for name, found in figures.items()}


def _told(case: str, *, example: _Storm, **rivals: _Storm) -> dict[str, Figure]:
    """The example as it stands; the rivals; and what all would lose of the same tries on one group of lines."""
    figures = {
        "calm_loss_example": figure(example.worst(lambda city: example.loss(city).mean), "ratio", goal=LOSS_GOAL)
    }
    figures |= {f"calm_loss_{name}": figure(rival.worst(rival.counted), "ratio") for name, rival in rivals.items()}
    free = rivals["no_rule"]
    figures["erlang_b_no_rule"] = figure(loss_of(sum(map(free.load, free.callers.loads)), free.quotas.lines), "ratio")
    return {f"{case}_{name}": found for name, found in figures.items()}


def _hard(example: SiteQuotas, home: Mapping[CityId, float]) -> SiteQuotas:
    """Let nothing but the rule limit the site's own cities."""
    reserves = {city: example.quotas[city].reserve for city in home}
    spare = example.lines - sum(reserves.values())
    quotas = {city: Quota(reserve, spare + reserve) for city, reserve in reserves.items()}
    return SiteQuotas(example.site, example.lines, quotas, dict.fromkeys(home, example.lines))


def _without_reserves(quotas: SiteQuotas) -> SiteQuotas:
    caps = {city: Quota(0, quota.cap) for city, quota in quotas.quotas.items()}
    return SiteQuotas(quotas.site, quotas.lines, caps, quotas.access)


def _without_rule(example: SiteQuotas, home: Mapping[CityId, float]) -> SiteQuotas:
    every = dict.fromkeys(home, example.lines)
    return SiteQuotas(example.site, example.lines, dict.fromkeys(home, Quota(0, example.lines)), every)


def luck_free(values: Sequence[float], control: Sequence[float], known: float) -> Sample:
    """Estimate a mean with a control variate: what moves with the control is judged by the control's known mean."""
    moves = linear_regression(control, values).slope if len(set(control)) > 1 else 0.0
    freed = [value - moves * (seen - known) for value, seen in zip(values, control, strict=True)]
    return Sample(mean(freed), stdev(freed) / sqrt(len(freed)))
