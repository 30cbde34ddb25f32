"""The prompts as scripts use them: sentences and menus as absolute sound files without extension."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ivr_prompts.announce import both_dialects, closed_sentence, notice_files
from ivr_prompts.catalogue import Catalogue, SlotValue, load_catalogue
from ivr_prompts.flow import MenuFlow
from ivr_prompts.menus import Menus, load_menus
from ivr_prompts.notice import Notice
from ivr_prompts.refusal import REASONS, refusal_files
from ivr_prompts.texts import DIALECTS
from ivr_prompts.waiting import WaitingRules, load_waiting
from tieline.model import DialectId, RefusalCause
from tieline.topology import City

SENTENCES_KEPT: Final = 5000


@dataclass(frozen=True, slots=True)
class Remembering(Catalogue):
    """A catalogue that puts each sentence together once: a menu is fourteen of them, said at every question."""

    known: dict[tuple[object, ...], tuple[str, ...]] = field(default_factory=dict)

    def sentence(self, prompt_id: str, dialect: DialectId, /, **slots: SlotValue) -> tuple[str, ...]:
        """Resolve a prompt, see `Catalogue.sentence`."""
        key = (prompt_id, dialect, *slots.items())
        files = self.known.get(key)
        if files is None:
            # Not super(): dataclass(slots=True) makes the class anew.
            files = Catalogue.sentence(self, prompt_id, dialect, **slots)
            if len(self.known) >= SENTENCES_KEPT:
                self.known.clear()
            self.known[key] = files
        return files


@dataclass(frozen=True, slots=True)
class Voice:
    """What a site can say.

    Attributes:
        sounds: Directory of the built audio, absolute: Asterisk then looks nowhere else.
    """

    catalogue: Catalogue
    menus: Menus
    waiting_rules: WaitingRules
    sounds: Path

    def flow(
        self,
        city: City,
        *,
        remembered: DialectId | None,
        notices: Sequence[Notice] = (),
        short: bool = False,
        now: float = 0.0,
    ) -> MenuFlow:
        """Begin a caller's way through the menus; notices of the city are told before the first or the short one."""
        spoken = (remembered,) if remembered in DIALECTS else both_dialects(city.dialects)
        announcements = notice_files(self.catalogue, notices, dialects=spoken, now=now)
        return MenuFlow(
            self.menus,
            self.catalogue,
            dialects=city.dialects,
            remembered=remembered,
            announcements=announcements,
            short_for=city.id if short else None,
        )

    def sentence(
        self, prompt_id: str, dialect: DialectId, slots: Mapping[str, SlotValue] | None = None
    ) -> tuple[str, ...]:
        """Give the files of a prompt."""
        return self.files(self.catalogue.sentence(prompt_id, dialect, **(slots or {})))

    def closed(self, dialect: DialectId, opening: tuple[float, float] | None, now: float) -> tuple[str, ...]:
        """Give what a caller hears whose business is not answered now (relative files, as a flow takes them)."""
        prompt, slots = closed_sentence(opening, now)
        return self.catalogue.sentence(prompt, dialect, **slots)

    def waiting(
        self, dialect: DialectId, ahead: int | None, wait_s: float | None, *, callback: bool
    ) -> Iterator[tuple[str, ...]]:
        """Yield the files of each sentence for a waiting caller; see `WaitingRules.sentences`."""
        for prompt, slots in self.waiting_rules.sentences(ahead, wait_s, callback=callback):
            yield self.sentence(prompt, dialect, slots)

    def refusal(
        self, city: City, cause: RefusalCause, notices: Sequence[Notice], now: float, *, instead: str = ""
    ) -> tuple[str, ...]:
        """Give what a refused caller hears.

        Args:
            city: Whose caller it is.
            cause: Of the refusal.
            notices: Those of the city.
            now: Unix seconds.
            instead: Prompt in place of the cause's own, for a city that has no notice.
        """
        prompt = instead or REASONS[cause]
        message = refusal_files(
            self.catalogue, city=city.id, dialects=city.dialects, prompt=prompt, notices=notices, now=now
        )
        return self.files(message)

    def files(self, relative: tuple[str, ...]) -> tuple[str, ...]:
        """Put the sounds directory before each file."""
        return tuple(f"{self.sounds}/{file}" for file in relative)


def load_voice(sounds: Path) -> Voice:
    """Load texts, menus and the manifest of the built audio.

    Raises:
        ConfigError: Something is faulty or not built.
    """
    loaded = load_catalogue(sounds)
    catalogue = Remembering(loaded.texts, loaded.grammars, loaded.sounds)
    return Voice(catalogue, load_menus(catalogue.texts), load_waiting(), sounds)
