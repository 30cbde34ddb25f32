"""The menu of one call: what to say, what a key means. Sans-IO, no clock: the shell plays, listens, reports back.

flow = MenuFlow(menus, catalogue, dialects=city_dialects, remembered=None)
step = flow.start()
while not isinstance(step, Done):
    step = flow.on_digits(pressed) | flow.on_timeout()      # after an Ask
    step = flow.on_said()                                   # after a Say
step = flow.on_closed(message, callback=True)               # after a Done whose business is not answered now
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeVar

from ivr_prompts.catalogue import Catalogue
from ivr_prompts.menu_rules import CITY, DIALECT_LINE
from ivr_prompts.menus import AGAIN, AGENT, END, Act, Menu, Menus, Option
from ivr_prompts.texts import DIALECTS
from tieline.errors import LocalProtocolError
from tieline.model import MANDARIN, Business, CityId, DialectId


class How(StrEnum):
    """How the menu was left."""

    CHOSEN = "chosen"
    AGENT_KEY = "agent_key"
    GAVE_UP = "gave_up"
    """Tries or steps were used up: to an agent, never to a dead end."""
    CALLBACK = "callback"
    """The business is closed, and the caller wants to be called back."""
    CLOSED = "closed"
    """The business is closed, and the caller wants nothing else."""

    @property
    def ends(self) -> bool:
        """Tell whether the call ends here."""
        return self in (How.CALLBACK, How.CLOSED)


@dataclass(frozen=True, slots=True)
class Ask:
    """Play the files, then listen; a key of `valid` may cut in at any moment.

    Attributes:
        files: Sound files without extension, relative to the sounds directory.
        max_digits: Digits to collect.
        timeout_ms: Silence after the last file that counts as no input.
        valid: Keys that mean something here, in rising order. Any other key cuts in too and is answered as invalid.
    """

    files: tuple[str, ...]
    max_digits: int
    timeout_ms: int
    valid: str


@dataclass(frozen=True, slots=True)
class Say:
    """Play the files to the end."""

    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Done:
    """The menu is over; the call goes to the waiting pool with this dialect and business, or ends (`How.ends`).

    Attributes:
        dialect: Last spoken with the caller.
        dialect_known: The caller chose it, now or in an earlier call: worth remembering. False when he pressed 0 or
            stayed silent before choosing.
    """

    dialect: DialectId
    business: Business
    how: How
    dialect_known: bool


Step = Ask | Say | Done
StepT = TypeVar("StepT", Ask, Say, Done)


class MenuFlow:
    """The state of one caller in the menus."""

    def __init__(
        self,
        menus: Menus,
        catalogue: Catalogue,
        *,
        dialects: Sequence[DialectId],
        remembered: DialectId | None = None,
        announcements: Sequence[str] = (),
        short_for: CityId | None = None,
    ) -> None:
        """Set out.

        Args:
            menus: Checked menus.
            catalogue: Resolves prompts to files.
            dialects: The city's dialects in the order that they are offered; those without prompts are passed over,
                Mandarin is added when it is not among them.
            remembered: The caller's dialect from an earlier call, or None.
            announcements: Resolved sound files told before the first menu, e.g. a notice of an outage.
            short_for: The city whose surge asks for the short menu, or None. A caller whose dialect is unknown hears
                it in Mandarin; the other menus are behind it.
        """
        known = [dialect for dialect in dict.fromkeys(dialects) if dialect in DIALECTS]
        self._offered = tuple(known) if MANDARIN in known else (*known, MANDARIN)
        self._menus = menus
        self._catalogue = catalogue
        self._remembered = remembered in DIALECTS
        self._known = self._remembered
        self._dialect = remembered if remembered is not None and self._remembered else MANDARIN
        self._announcements = tuple(announcements)
        self._menu = menus.menus[menus.known if self._remembered else menus.first]
        if self._menu.dialects and len(self._offered) == 1:
            self._menu = menus.menus[self._menu.dialects]  # there is nothing to choose
        self._city = short_for
        if short_for is not None and menus.short:
            self._menu = menus.menus[menus.short]
        self._tries = 0
        self._steps = 0
        self._closed: Business | None = None
        self._last: Step | None = None

    @property
    def dialect(self) -> DialectId:
        """Dialect spoken with the caller now."""
        return self._dialect

    @property
    def menu_id(self) -> str:
        """Menu that the caller is in."""
        return self._menu.id

    def start(self) -> Step:
        """Give the first step: opening, announcements and the first menu, all of which a key may cut."""
        opening = tuple(file for prompt in self._menus.opening for file in self._sentence(prompt))
        return self._ask((*opening, *self._announcements))

    def on_digits(self, digits: str) -> Step:
        """Take keys that were pressed; several are taken one after the other (callers who know the menu).

        Args:
            digits: One or more of `0123456789*#`; none counts as a timeout.

        Raises:
            LocalProtocolError: No question is open.
        """
        self._expect(Ask)
        if not digits:
            return self.on_timeout()
        while True:
            tries, menu = self._tries, self._menu
            step = self._on_digit(digits[0])
            digits = digits[1:]
            wrong = self._menu is menu and self._tries > tries  # what follows was meant for another menu
            if not digits or wrong or not isinstance(step, Ask):
                return step

    def on_timeout(self) -> Step:
        """Take that the caller stayed silent.

        Raises:
            LocalProtocolError: No question is open.
        """
        self._expect(Ask)
        branch = self._menu.on_timeout
        if branch in (AGENT, END):
            return self._give_up()
        if branch != AGAIN:
            return self._enter(branch)
        return self._failed(self._menu.no_input)

    def on_said(self) -> Step:
        """Take that the files of a `Say` were played.

        Raises:
            LocalProtocolError: Nothing was being said.
        """
        self._expect(Say)
        if self._closed is not None:
            return self._done(self._closed, How.CLOSED)
        return self._done(Business.OTHER, How.GAVE_UP)

    def on_closed(self, message: Sequence[str], *, callback: bool) -> Step:
        """Take that the chosen business is not answered now: the message, then the closed menu.

        Args:
            message: Resolved sound files that say so.
            callback: The caller can be called back.

        Raises:
            LocalProtocolError: Nothing was chosen.
        """
        self._closed = self._expect(Done).business
        menu = self._menus.menus[self._menus.closed]
        options = tuple(option for option in menu.options if callback or option.act is not Act.CALLBACK)
        self._menu, self._tries = replace(menu, options=options), 0
        return self._ask(tuple(message))

    def _expect(self, kind: type[StepT]) -> StepT:
        if not isinstance(self._last, kind):
            raise LocalProtocolError(f"the menu waits for no such input: last step was {self._last!r}")
        return self._last

    def _keep(self, step: Step) -> Step:
        self._last = step
        return step

    def _done(self, business: Business, how: How) -> Step:
        return self._keep(Done(self._dialect, business, how, self._known))

    def _on_digit(self, digit: str) -> Step:
        option = next((option for option in self._menu.options if option.digit == digit), None)
        if option is not None:
            return self._take(option)
        offered = self._lines()
        if digit in offered:
            self._dialect = offered[digit]
            self._known = True
            return self._enter(self._menu.dialects)
        return self._failed(self._menu.invalid)

    def _take(self, option: Option) -> Step:
        if option.act is Act.BUSINESS:
            return self._done(Business(option.target), How.CHOSEN)
        if option.act is Act.AGENT:
            return self._done(Business.OTHER, How.AGENT_KEY)
        if option.act is Act.MENU:
            return self._enter(option.target)
        if option.act is Act.CALLBACK and self._closed is not None:
            return self._done(self._closed, How.CALLBACK)
        return self._ask(())

    def _lines(self) -> dict[str, DialectId]:
        """Give the digit of each offered dialect."""
        if not self._menu.dialects:
            return {}
        return {str(number): dialect for number, dialect in enumerate(self._offered, 1)}

    def _enter(self, menu_id: str) -> Step:
        self._menu = self._menus.menus[menu_id]
        self._tries = 0
        return self._ask(())

    def _failed(self, prompt_id: str) -> Step:
        self._tries += 1
        if self._tries >= self._menus.tries:
            return self._give_up()
        return self._ask(self._sentence(prompt_id))

    def _give_up(self) -> Step:
        said = self._menus.tries_over if self._closed is None else self._menus.goodbye
        return self._keep(Say(self._sentence(said)))

    def _ask(self, before: tuple[str, ...]) -> Step:
        self._steps += 1
        if self._steps > self._menus.steps_max:
            return self._give_up()
        lines = self._lines()
        valid = "".join(sorted({*lines, *(option.digit for option in self._menu.options)}))
        files = (*before, *menu_files(self._menu, self._catalogue, self._dialect, self._offered, self._city))
        return self._keep(Ask(files, 1, self._menu.timeout_ms, valid))

    def _sentence(self, prompt_id: str) -> tuple[str, ...]:
        return self._catalogue.sentence(prompt_id, self._dialect)


def menu_files(
    menu: Menu,
    catalogue: Catalogue,
    dialect: DialectId,
    offered: Sequence[DialectId] = (),
    city: CityId | None = None,
) -> tuple[str, ...]:
    """Give the files of a menu: intro, one line per offered dialect in its own voice, one line per option.

    Args:
        menu: The menu.
        catalogue: Resolves prompts to files.
        dialect: Spoken with the caller.
        offered: Dialects in their order, used when the menu offers them.
        city: Named by prompts of the short menu; None when this is another one.
    """
    files = [file for prompt in menu.intro for file in catalogue.sentence(prompt, dialect)]
    if menu.dialects:
        for number, own in enumerate(offered, 1):
            files += catalogue.sentence(DIALECT_LINE.format(dialect=own), own, digit=str(number))
    for option in menu.options:
        named = {"city": city} if city and CITY in catalogue.texts.prompts[option.say].slots else {}
        files += catalogue.sentence(option.say, dialect, digit=option.digit, **named)
    return tuple(files)
