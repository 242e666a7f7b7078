"""Text to IPA phonemes through espeak-ng, for checkpoints whose ``text_frontend`` is "phonemes".

The IPA string is then read as UTF-8 bytes like any other text, so one byte-level encoder serves both.
espeak-ng comes with the ``espeakng-loader`` wheel: nothing has to be installed by hand.
"""

from __future__ import annotations

import threading
from functools import cache, lru_cache
from typing import Any

ESPEAK_VOICES = {"en-US": "en-us", "en-GB": "en-gb", "hi": "hi"}
"""Language tag of a speaker to the name of espeak-ng's voice."""

_lock = threading.Lock()  # espeak-ng keeps global state; one phrase at a time


class PhonemeError(RuntimeError):
    """espeak-ng could not be loaded or does not know the language."""


@cache
def _backend(language: str) -> Any:
    try:
        import espeakng_loader
        from phonemizer.backend import EspeakBackend
        from phonemizer.backend.espeak.wrapper import EspeakWrapper

        EspeakWrapper.set_library(espeakng_loader.get_library_path())
        EspeakWrapper.set_data_path(espeakng_loader.get_data_path())
        return EspeakBackend(
            ESPEAK_VOICES[language],
            preserve_punctuation=True,
            with_stress=True,
            language_switch="remove-flags",
        )
    except (ImportError, OSError, RuntimeError) as error:
        raise PhonemeError(
            f"espeak-ng could not be started ({error}); "
            "install the packages espeakng-loader and phonemizer-fork"
        ) from error


@lru_cache(maxsize=4096)
def phonemise(text: str, language: str) -> str:
    """Return the IPA of normalised ``text`` with stress marks, punctuation kept.

    Args:
        text: normalised text (``lewm_core.text.normalise``).
        language: "en-US", "en-GB" or "hi".

    Raises:
        PhonemeError: the language is unknown or espeak-ng is missing.
    """
    if language not in ESPEAK_VOICES:
        raise PhonemeError(f"no phonemes for language {language!r}; known are {', '.join(ESPEAK_VOICES)}")
    with _lock:
        spoken = _backend(language).phonemize([text], strip=True)[0]
    return str(spoken).strip()
