"""Compose panel, take list and checkpoint panel tied to the studio: state in, wishes out."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from PySide6.QtCore import QTimer

from app.prompt_choice import PromptChoice
from app.session import Session
from app.speaker_choice import is_offered, speaker_label
from app.studio import Studio
from app.takes import Take
from lewm_core.speaker_blend import language_of
from widgets.checkpoint_panel import CheckpointPanel
from widgets.compose_panel import ComposePanel
from widgets.take_list import TakeList
from widgets.take_model import TakeRow

SYSTEM_DEVICE = "System default"
MANY_SPEAKERS = "It hardly changes who speaks."
"""Said of a voice prompt where the voice knows its speakers by an embedding."""


class ComposeBinding:
    """The text box and its controls mirror the session."""

    def __init__(self, panel: ComposePanel, studio: Studio) -> None:
        self._panel = panel
        self._studio = studio
        session = studio.session
        panel.set_text(session.text)
        panel.set_seed(session.seed)
        panel.set_seed_locked(session.seed_locked)
        panel.set_temperature(session.temperature)
        panel.set_speed(session.speed)
        panel.changed.connect(self._on_edited)
        panel.speak_requested.connect(studio.speak)
        panel.live_toggled.connect(studio.live.set_on)
        studio.live.changed.connect(self._on_speaking)
        panel.cancel_requested.connect(studio.speaking.cancel)
        panel.reroll_requested.connect(studio.speaking.reroll)
        session.events.text.connect(panel.set_text)
        session.events.seed.connect(panel.set_seed)
        session.events.seed_locked.connect(panel.set_seed_locked)
        session.events.temperature.connect(panel.set_temperature)
        session.events.speaker.connect(self._on_speaker)
        session.events.speed.connect(panel.set_speed)
        session.events.voice_prompt.connect(self._on_prompt)
        panel.prompt_removed.connect(studio.forget_prompt)
        self._on_prompt(session.voice_prompt)
        studio.voice.changed.connect(self._on_voice)
        studio.speaking.changed.connect(self._on_speaking)
        self._on_voice()
        self._on_speaking()

    def _on_edited(self) -> None:
        panel, session = self._panel, self._studio.session
        session.text = panel.text()
        session.seed = panel.seed()
        session.seed_locked = panel.seed_locked()
        session.temperature = panel.temperature()
        session.speed = panel.speed()
        if panel.speaker():
            session.speaker = panel.speaker()

    def _on_speaker(self, speaker: str) -> None:
        self._panel.set_speaker(speaker)
        if self._panel.speaker() != speaker and is_offered(speaker, names := dict(self._studio.voice.speakers)):
            self._panel.set_blend(speaker, speaker_label(speaker), language_of(speaker, names))

    def _on_prompt(self, prompt: PromptChoice | None) -> None:
        note = MANY_SPEAKERS if len(self._studio.voice.speakers) > 1 else ""
        self._panel.set_prompt(prompt.title if prompt else "", prompt.text if prompt else "", note)

    def _on_voice(self) -> None:
        voice = self._studio.voice
        self._panel.set_speakers(list(voice.speakers))
        self._on_prompt(self._studio.session.voice_prompt)
        self._on_speaker(self._studio.session.speaker)
        if voice.voice is not None:
            self._panel.set_ready(True)
            self._panel.set_speed_available(voice.voice.facts.can_change_speed)
        else:
            reason = "The voice is loading." if voice.loading else "No voice is loaded. Open a checkpoint."
            self._panel.set_ready(False, reason)

    def _on_speaking(self) -> None:
        studio = self._studio
        self._panel.set_busy(studio.speaking.is_busy)
        self._panel.set_live(studio.live.is_on)
        self._panel.set_remark(studio.speaking.live_problem if studio.live.is_on else "")


class TakesBinding:
    """The list of takes mirrors the session."""

    def __init__(self, view: TakeList, studio: Studio) -> None:
        self._view = view
        self._studio = studio
        session = studio.session
        view.selected.connect(self._on_selected)
        view.renamed.connect(self._on_renamed)
        view.delete_requested.connect(self.delete)
        view.rerun_requested.connect(self._on_rerun)
        session.events.takes.connect(self._on_takes)
        session.events.live_take.connect(self._on_takes)
        session.events.current_take.connect(view.set_current)
        self._on_takes()

    def delete(self, ids: list[str]) -> None:
        """Delete takes and say how to get them back."""
        self._keep_if_live(ids)
        count = self._studio.takes.delete(ids)
        if count:
            what = "The take was" if count == 1 else f"{count} takes were"
            self._studio.notice.emit(f"{what} deleted. Ctrl+Z brings {'it' if count == 1 else 'them'} back.", "info")

    def _on_takes(self, _changed: object = None) -> None:
        session = self._studio.session
        self._view.set_takes([_row(take, take is session.live_take) for take in session.listed_takes])
        self._view.set_current(session.current_take)

    def _on_renamed(self, take_id: str, title: str) -> None:
        self._keep_if_live([take_id])
        self._studio.takes.rename(take_id, title)

    def _keep_if_live(self, ids: list[str]) -> None:
        """A live take that is given a name, or deleted (which can be undone), is kept first."""
        live = self._studio.session.live_take
        if live is not None and live.id in ids:
            self._studio.live.keep()

    def _on_selected(self, take_id: str) -> None:
        self._studio.session.current_take = take_id or None
        if take_id:
            self._studio.listening.choose("autoregressive")

    def _on_rerun(self, take_id: str) -> None:
        take = self._studio.session.take(take_id)
        if take is not None:
            self._studio.speaking.run_again(take)


def _row(take: Take, is_live: bool) -> TakeRow:
    try:
        created = datetime.fromisoformat(take.created).astimezone()
    except ValueError:
        created = datetime.fromtimestamp(0).astimezone()
    speaker = speaker_label(take.speaker)
    if is_live:
        speaker = f"live · {speaker}"
    return TakeRow(take.id, take.title, speaker, take.seed, take.seconds, created)


class CheckpointBinding:
    """The checkpoint panel shows what is loaded, or what was inspected or refused."""

    def __init__(self, panel: CheckpointPanel, studio: Studio) -> None:
        self._panel = panel
        self._voice = studio.voice
        self._session: Session = studio.session
        panel.load_requested.connect(studio.voice.load_candidate)
        panel.dismiss_requested.connect(studio.voice.dismiss)
        self._shown: tuple[object, ...] = ()
        # Told once after a burst of changes, and only when they differ.
        self._later = QTimer(panel)
        self._later.setSingleShot(True)
        self._later.timeout.connect(self.refresh)
        studio.voice.changed.connect(self._later.start)
        self.refresh()

    def refresh(self) -> None:
        """Show the present state."""
        shown = self._wanted()
        if shown == self._shown:
            return
        self._shown = shown
        if shown:
            self._panel.set_info(*shown)
        else:
            self._panel.set_empty()

    def _wanted(self) -> tuple[Any, ...]:
        """Title, rows, state and message for the panel; () when there is nothing to show."""
        voice = self._voice
        if voice.loading is not None:
            path = voice.candidate.path if voice.candidate else self._session.checkpoint
            rows = list(voice.candidate.rows) if voice.candidate else []
            return (_name(path), rows, "loading", voice.loading.step.message)
        if voice.inspecting is not None:
            return ("Checkpoint", [], "loading", voice.inspecting.step.message)
        if voice.refusal is not None:
            message = voice.refusal.message
            if voice.voice is not None:
                message += f"\n{_name(self._session.checkpoint)} stays loaded."
            return (Path(voice.refusal.path).name, [], "refused", message)
        if voice.candidate is not None:
            return (voice.candidate.title, list(voice.candidate.rows), "candidate", "")
        if voice.voice is not None:
            rows = list(voice.voice.facts.rows)
            if ("Vocoder", voice.voice.vocoder) not in rows:
                rows.append(("Vocoder in use", voice.voice.vocoder))
            return (_name(self._session.checkpoint), rows, "loaded", "")
        return ()


def _name(path: str | None) -> str:
    return Path(path).name if path else "Embedded voice"
