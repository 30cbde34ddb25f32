"""What espeak-ng must say for a pinyin syllable. Written from the phoneme table of its Mandarin, not by asking it."""

import re
from typing import Final

INITIALS: Final = {
    "b": "p", "p": "ph", "m": "m", "f": "f", "d": "t", "t": "th", "n": "n", "l": "l", "g": "k", "k": "kh", "h": "X",
    "j": "tS;", "q": "tS;h", "x": "S;", "zh": "ts.", "ch": "ts.h", "sh": "s.", "r": "z.", "z": "ts", "c": "tsh",
    "s": "s", "": "",
}  # fmt: skip
"""Phonemes of each initial."""

FINALS: Final = {
    "a": "A#", "o": "u?o#", "e": "(?:o-|@)#", "ai": "ai#", "ei": "ei#", "ao": "Au#", "ou": "ou#", "an": "a#n",
    "en": "@#n", "ang": "A#N", "eng": "@#N", "ong": "ong#", "er": "@#?r#?", "i": "i#", "ia": "iA#", "ie": "iE#",
    "iao": "iAu#", "iu": "iou#", "ian": "iE#n", "in": "i#n", "iang": "iA#N", "ing": "i#N", "iong": "iong#",
    "u": "u#", "ua": "uA#", "uo": "uo#", "uai": "uai#", "ui": "uei#", "uan": "u[aA]#n", "un": "u(?:@|o-)#n",
    "uang": "uA#N", "ueng": "u@#N", "v": "y#", "ve": "yE#", "van": "y&#n", "vn": "y[@i]#n",
}  # fmt: skip
"""Phonemes of each final, `#` where the tone stands; `v` is ü."""

TONES: Final = {"1": "55", "2": "35", "3": "(?:214|21)", "4": "(?:51|53)", "5": "(?:11|22|33|44)"}
"""Pitches that espeak-ng writes for each tone; the third is cut short before other tones,
the fourth before another fourth."""

_ZERO: Final = {
    "yi": "i", "ya": "ia", "ye": "ie", "yao": "iao", "you": "iu", "yan": "ian", "yin": "in", "yang": "iang",
    "ying": "ing", "yong": "iong", "wu": "u", "wa": "ua", "wo": "uo", "wai": "uai", "wei": "ui", "wan": "uan",
    "wen": "un", "wang": "uang", "weng": "ueng", "yu": "v", "yue": "ve", "yuan": "van", "yun": "vn",
}  # fmt: skip
"""Syllables without initial, as finals."""


def plain(phonemes: str) -> str:
    """Drop stress, pauses and word borders; write glides as the vowels they are."""
    bare = re.sub(r"[',_|!\s]|\[|\.(?=\d)", "", phonemes)
    bare = bare.replace("wu", "u").replace("w", "u").replace("ji", "i").replace("jy", "y").replace("j", "i")
    return bare.replace("i.", "i")


def pattern(pinyin: str) -> str:
    """Give a regular expression for the phonemes of pinyin such as `chang2 le4`, as `plain` writes them."""
    syllables = pinyin.split()
    following = [*syllables[1:], ""]
    return "".join(_syllable(syllable, after) for syllable, after in zip(syllables, following, strict=True))


def _syllable(syllable: str, after: str) -> str:
    body, tone = syllable[:-1], syllable[-1]
    initial, final = _parts(body)
    pitches = {TONES[tone]}
    if tone == "3" and after.endswith("3"):
        pitches.add(TONES["2"])  # the first of two third tones rises
    if syllable in ("yi1", "bu4"):
        pitches |= {TONES["2"], TONES["4"]}  # 一 and 不 follow the next tone
    pitch = "(?:" + "|".join(sorted(pitches)) + ")"
    return re.escape(INITIALS[initial]) + FINALS[final].replace("#", pitch)


def _parts(body: str) -> tuple[str, str]:
    if body in _ZERO:
        return "", _ZERO[body]
    initial = next((body[:size] for size in (2, 1) if body[:size] in INITIALS), "")
    final = body[len(initial) :]
    if initial in ("j", "q", "x") and final.startswith("u"):
        final = "v" + final[1:]
    return initial, final.replace("ue", "ve") if initial in ("n", "l") else final
