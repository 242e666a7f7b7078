"""Voice prompts for the window: encoded once, kept while they are used; runs in the engine process only."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from app.prompt_choice import PromptChoice

if TYPE_CHECKING:
    from lewm_core.inference import Synthesiser
    from lewm_core.voice_prompt import VoicePrompt

KEPT = 8
_prepared: dict[tuple[object, ...], VoicePrompt] = {}


def prepared(voice: Synthesiser, choice: PromptChoice | None) -> VoicePrompt | None:
    """The prompt of a choice for the loaded voice, made when it is first asked for.

    Raises:
        PromptError, AudioError, TextError, DataError: it cannot be used; the message says why.
    """
    from lewm_core.data_rows import parse_row_name

    if choice is None:
        return None
    row = parse_row_name(choice.path)
    file = Path(choice.path) if row is None else row[0]
    changed = file.stat().st_mtime_ns if file.is_file() else 0
    key = (voice.info.sha256, choice.path, choice.text, changed)
    if key not in _prepared:
        while len(_prepared) >= KEPT:
            del _prepared[next(iter(_prepared))]
        _prepared[key] = _prepare(voice, choice, row)
    return _prepared[key]


def _prepare(voice: Synthesiser, choice: PromptChoice, row: tuple[Path, int] | None) -> VoicePrompt:
    from lewm_core import data_rows
    from lewm_core.voice_prompt import PromptError, load_prompt, prepare_prompt

    if row is not None:
        store = data_rows.open_store(row[0])
        data_rows.row_mel(store, row[1])  # the row is there
        wave, problem = data_rows.row_sound(row[0].parent, store, row[1])
        if wave is None:
            raise PromptError(f"This row cannot be a voice prompt: {problem}.")
        return prepare_prompt(voice, wave, choice.text)
    if Path(choice.path).suffix.lower() == ".safetensors":
        return load_prompt(choice.path, voice.info)
    return prepare_prompt(voice, choice.path, choice.text)
