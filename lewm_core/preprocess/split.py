"""Which utterances are kept aside for validation: decided by the sentence alone, so that it never changes."""

from __future__ import annotations

import hashlib
import unicodedata

DEV_SHARE = 0.02


def side(text: str, dev_share: float = DEV_SHARE) -> str:
    """ "dev" for about ``dev_share`` of all sentences, else "train".

    It depends on the letters and digits of ``text`` alone: more data moves no utterance to the other side, the same
    sentence by two speakers stays on one side, and a larger share only adds to "dev".
    """
    return "dev" if position(text) < dev_share else "train"


def position(text: str) -> float:
    """Where a sentence lies between 0 and 1; "dev" takes from below."""
    letters = "".join(
        c for c in unicodedata.normalize("NFC", text).casefold() if unicodedata.category(c)[0] in "LMN"
    )
    return int.from_bytes(hashlib.sha256(letters.encode()).digest()[:8], "big") / 2**64
