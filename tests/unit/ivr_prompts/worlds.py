"""Catalogues for tests: the shipped texts with made-up manifests."""

from ivr_prompts.catalogue import Catalogue, load_catalogue
from ivr_prompts.manifest import Sound, Source
from ivr_prompts.texts import DIALECTS
from tieline.model import MANDARIN, DialectId

UNBUILT = load_catalogue(None)
"""Takes every file for granted."""


def sound(*, recorded: bool, stand_in: bool = False) -> Sound:
    source = Source.RECORDED if recorded else Source.SYNTHETIC
    return Sound(
        source=source, stand_in=stand_in, sha256="0", duration_ms=500, level_dbov=-20.0, words="", recipe="0"
    )


def synthetic() -> dict[str, Sound]:
    """Give the manifest after a first build: Mandarin, and stand-ins for all other dialects."""
    return {
        f"{dialect}/{piece}": sound(recorded=False, stand_in=dialect != MANDARIN)
        for dialect in DIALECTS
        for piece in UNBUILT.texts.pieces(dialect)
    }


def recorded(sounds: dict[str, Sound], dialect: DialectId, *pieces: str) -> dict[str, Sound]:
    """Give a manifest in which pieces of a dialect (all when none is named) are recordings."""
    names = pieces or tuple(UNBUILT.texts.pieces(dialect))
    return {**sounds, **{f"{dialect}/{name}": sound(recorded=True) for name in names}}


def catalogue(sounds: dict[str, Sound]) -> Catalogue:
    return Catalogue(UNBUILT.texts, UNBUILT.grammars, sounds)
