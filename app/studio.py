"""Everything of the studio that is not a widget: document, services and controllers, put together once."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QUndoStack

from app.aligning import AlignmentController
from app.background import BackgroundEngine
from app.blind_listening import BlindListening
from app.blind_test import VoteStore
from app.cells import GRID, SECOND, CellMaker
from app.comparing import ComparisonController
from app.data_browsing import DataController
from app.engine import CORE_BACKEND, Engine
from app.engine_messages import Step, VoiceLoaded
from app.example_making import ExampleMaker
from app.examples import first_session
from app.exporting import ExportController
from app.formants import FormantController
from app.inspecting import InspectionController
from app.jobs import Job, ThreadJobs
from app.levels import LevelMatching
from app.listening import ListeningController
from app.live import LiveController
from app.measuring import Measured
from app.mixing import MixingController
from app.noise_study import NoiseController
from app.panes import PaneModel
from app.paths import Places
from app.player import Player
from app.prompt_choice import PromptChoice
from app.run_watch import RunWatch
from app.second_checkpoint import SecondCheckpoint
from app.session import Clip, Session
from app.session_store import restore_session, save_session
from app.settings import Settings, load_settings, save_settings
from app.speaking import SpeakingController
from app.take_edits import TakeEdits
from app.takes import Take, TakeStore
from app.timeline import Timeline, TimelineDefaults
from app.voice import VoiceController
from lewm_core.config import MelConfig

logger = logging.getLogger(__name__)
LANES_SHOWN = (
    "speak", "load", "export", "figure", "inspect", "clip", "compare", "mixed", "analyse", "analyse_mixed", "align",
    "noise", "formants",
)  # fmt: skip
"""Whose job the transport bar shows, the first that runs."""
AUTOSAVE_DELAY = 800
"""Milliseconds after a change until the session is saved."""


class Studio(QObject):
    """The studio without its window. `start` sets it going, `shutdown` leaves no thread and no process."""

    notice = Signal(str, str)
    """(sentence, level): "info", "warning" or "error"."""
    changed = Signal()
    """Something happened that may enable or disable an action."""
    job_started = Signal(object)

    def __init__(
        self,
        places: Places,
        *,
        fresh: bool = False,
        backend: str = CORE_BACKEND,
        load_sound: Callable[[], ModuleType] | None = None,
    ) -> None:
        super().__init__()
        self.places = places
        self._keeps_files = not fresh
        self._early_notices: list[tuple[str, str]] = []
        self.settings, self.session = self._restore(fresh)
        settings, session = self.settings, self.session
        self.store = TakeStore(places.takes)
        self.undo = QUndoStack(self)
        self.timeline = Timeline(TimelineDefaults((settings.level_low, settings.level_high), settings.colour_map))
        self.timeline.set_follow(settings.follow_playhead)
        self.engine = Engine(backend, self)
        self.jobs = ThreadJobs(self)
        self.player = Player(self, load_sound)
        self.player.set_volume(settings.volume)
        self.player.set_device(settings.device)
        self.voice = VoiceController(self.engine, session, settings, self)
        self.speaking = SpeakingController(self.engine, self.jobs, session, self.store, self)
        self.live = LiveController(self.speaking, session, settings, self.voice, self)
        self.comparison = ComparisonController(self.engine, session, self)
        self.panes = PaneModel(session, self.comparison, self.speaking, self.store, self)
        measured = Measured(self.engine, self.comparison, self.panes, session, settings)
        self.inspection = InspectionController(measured, self)
        self.alignment = AlignmentController(measured, self)
        self.noise = NoiseController(measured, self)
        self.mixing = MixingController(self.engine, self.comparison, self.panes, self)
        self.formants = FormantController(measured, self.alignment, self)
        self.listening = ListeningController(self.player, self.panes, self.timeline, session, self.alignment, self)
        self.levels = LevelMatching(self.engine, self.player, self.listening, settings, self)
        votes = VoteStore(places.votes)
        self.blind = BlindListening(self.listening, self.player, session, self.store, votes, self)
        self.background = BackgroundEngine(backend, self)
        self.cells = CellMaker(self.background, (SECOND, GRID), self)
        self.second = SecondCheckpoint(
            self.cells, RunWatch(self.jobs, self), session, settings, self.voice, self.comparison, self.panes, self
        )
        self.takes = TakeEdits(session, self.store, self.undo)
        self.exporting = ExportController(self)
        self.data = DataController(self.engine, self.jobs, self.voice, places, self)
        self.examples = ExampleMaker(self.jobs, places, self)
        self._autosave = QTimer(self)
        self._autosave.setSingleShot(True)
        self._autosave.setInterval(AUTOSAVE_DELAY)
        self._autosave.timeout.connect(self.save)
        self._connect()

    def _restore(self, fresh: bool) -> tuple[Settings, Session]:
        if fresh:
            return Settings(), first_session()
        settings, message = load_settings(self.places)
        is_first = not self.places.session.exists()
        session, messages = restore_session(self.places)
        self._early_notices = [(text, "warning") for text in [message, *messages] if text]
        return settings, first_session() if is_first and not messages else session

    def _connect(self) -> None:
        speech = (self.voice, self.speaking, self.comparison, self.mixing)
        beside = (self.blind, self.background, self.second)
        for controller in (*speech, self.listening, self.exporting, *beside):
            controller.trouble.connect(self._on_trouble)
        for worker in (*speech, self.inspection, self.alignment, self.noise, self.formants):
            worker.job_started.connect(self.job_started)
            worker.changed.connect(self.changed)
        for keeper in (self.alignment, self.noise, self.formants):  # they change settings
            keeper.changed.connect(self._autosave.start)
        self.exporting.job_started.connect(self.job_started)
        for helper in (self.data, self.examples):
            helper.job_started.connect(self.job_started)
            helper.trouble.connect(self._on_trouble)
        self.examples.run_made.connect(self.second.open_folder)
        self.examples.data_made.connect(self.data.open)
        self.exporting.done.connect(lambda sentence: self.notice.emit(sentence, "info"))
        self.player.trouble.connect(lambda sentence: self.notice.emit(sentence, "warning"))
        self.player.playing_changed.connect(lambda _playing: self.changed.emit())
        self.levels.changed.connect(lambda: self._set("match_levels", self.levels.is_on))
        self.blind.changed.connect(self.changed)
        self.second.changed.connect(self.changed)
        self.second.changed.connect(lambda: self._autosave.start())
        self.panes.lost_take.connect(self._on_trouble)
        self.panes.sounds_changed.connect(self.changed)
        self.engine.given_up.connect(lambda sentence: self.notice.emit(sentence, "error"))
        self.live.changed.connect(self._on_live)
        self.speaking.job_started.connect(lambda _job: self.player.prepare(self._sample_rate()))
        self.speaking.sounding.connect(self._on_sounding)
        self.speaking.cancelling.connect(self.listening.stop_speech)
        self.speaking.spoken.connect(self._on_spoken)
        self.mixing.heard.connect(self.listening.play_mixed)
        self.voice.loaded.connect(self._on_voice)
        self.session.events.connect(self._on_session)
        self.timeline.selection_changed.connect(lambda _selection: self.changed.emit())
        self.timeline.levels_changed.connect(self._on_levels)
        self.timeline.colour_map_changed.connect(lambda name: self._set("colour_map", name))
        self.timeline.follow_changed.connect(lambda follow: self._set("follow_playhead", follow))

    # ------------------------------------------------------------------ life
    def apply_options(self, checkpoint: str | None, clip: str | None, text: str | None) -> None:
        """Take over what the command line asks for, before `start`."""
        if checkpoint is not None:
            self.session.checkpoint = str(Path(checkpoint).resolve())
        if clip is not None:
            self.session.clip = Clip(str(Path(clip).resolve()))
        if text is not None:
            self.session.text = text

    def start_engine(self) -> None:
        """Start the engine process and let it load the last voice, while the window is still being built."""
        self.engine.start()
        self.voice.load_last()

    def start(self) -> None:
        """Open the last clip, look for sound devices, say what could not be restored."""
        for text, level in self._early_notices:
            self.notice.emit(text, level)
        if self.engine.process_id is None and self.voice.loading is None:
            self.start_engine()
        if self.session.clip is not None:
            self.comparison.open(self.session.clip)
        self.panes.update()
        if self.session.selection is not None:
            self.timeline.set_selection(self.session.selection)
        self.blind.load()
        self.second.open_last()
        self.player.refresh_devices()
        self.jobs.start("Getting ready", _import_sound_files, "ready")

    def shutdown(self) -> None:
        """Save, and end every thread and process of the studio."""
        self._autosave.stop()
        self.levels.shutdown()
        self.second.shutdown()
        self.live.shutdown()
        self.player.shutdown()
        self.background.shutdown()
        self.engine.shutdown()
        self.jobs.shutdown()
        self.takes.forget_deleted()
        self.save()

    def save(self) -> None:
        """Save session and settings (not in a fresh run, which leaves the saved ones alone)."""
        if not self._keeps_files:
            return
        try:
            save_session(self.places, self.session)
            save_settings(self.places, self.settings)
        except OSError as error:
            logger.warning("session not saved: %s", error)
            self.notice.emit(f"The session could not be saved: {error}", "warning")

    # ------------------------------------------------------------------ small things that actions do
    def set_setting(self, name: str, value: Any) -> None:
        """Change a setting; it is saved with the session."""
        self._set(name, value)
        self.changed.emit()

    def open_clip(self, clip: Clip) -> None:
        """Open a clip and show the comparison, not a take."""
        self.session.current_take = None
        self.comparison.open(clip)

    def compare_again(self) -> None:
        """Compare with the present speaker, seed and temperature, and show it."""
        self.session.current_take = None
        self.comparison.compare()

    def speak(self) -> None:
        """Speak the text; in live mode, where it is heard already, keep it."""
        if self.live.is_on:
            self.live.keep_or_speak()
        else:
            self.speaking.speak()

    def free_from_playhead(self) -> None:
        """Make the run that is teacher-forced up to the playhead, and free from there on."""
        time = self.timeline.playhead or 0.0
        self.mixing.run(self.alignment.moved(time, self.player.source, "teacher_forced"), 1.0)

    def cancel_job(self) -> None:
        """Cancel what runs: speech first, then the comparison, then anything else."""
        if self.speaking.is_busy:
            self.speaking.cancel()
            return
        for job in [*self.engine.lanes.all(), *self.jobs.lanes.all()]:
            job.cancel()
        self.changed.emit()

    def running_job(self) -> Job | None:
        """The job to show in the transport bar."""
        for lane in LANES_SHOWN:
            job = self.engine.lanes.get(lane) or self.jobs.lanes.get(lane)
            if job is not None:
                return job
        return None

    def report_fault(self, kind: type[BaseException], fault: BaseException, trace: TracebackType | None) -> None:
        """Log a fault of the program and say so; the window runs on (set as `sys.excepthook`)."""
        logger.critical("unexpected", exc_info=(kind, fault, trace))
        sys.__excepthook__(kind, fault, trace)
        self.notice.emit(
            f"Something went wrong inside the studio ({kind.__name__}: {fault}). Your takes are safe; "
            f"the details are in {self.places.log}.",
            "error",
        )

    # ------------------------------------------------------------------ voice prompt
    @property
    def can_prompt(self) -> bool:
        """True with a clip and its transcript."""
        clip = self.session.clip
        return clip is not None and bool(clip.text)

    def use_clip_as_prompt(self) -> None:
        """The next takes go on from the clip."""
        clip = self.session.clip
        if clip is not None and clip.text:
            self.session.voice_prompt = PromptChoice(clip.path, clip.text, clip.name)

    def use_prompt_file(self, path: Path) -> None:
        """The next takes go on from a prompt that `lewm prompt` made."""
        self.session.voice_prompt = PromptChoice(str(path), "", path.name)

    def forget_prompt(self) -> None:
        """The next takes begin anew."""
        self.session.voice_prompt = None

    # ------------------------------------------------------------------ what happens
    def _set(self, name: str, value: Any) -> None:
        setattr(self.settings, name, value)
        self._autosave.start()

    def _on_levels(self, low: float, high: float) -> None:
        self._set("level_low", low)
        self._set("level_high", high)

    def _on_session(self, _info: object) -> None:
        self._autosave.start()
        self.changed.emit()

    def _on_live(self) -> None:
        self._autosave.start()
        self.changed.emit()

    def _on_trouble(self, sentence: str) -> None:
        self.notice.emit(sentence, "error")

    def _sample_rate(self) -> int:
        return self.panes.mel_config.sample_rate

    def _on_sounding(self) -> None:
        self.panes.update()
        self.listening.play_speech()

    def _on_spoken(self, take: Take, was_sounding: bool) -> None:
        self.panes.update()
        if not was_sounding:
            self.listening.play_take(take)

    def _on_voice(self, voice: VoiceLoaded) -> None:
        facts = voice.facts
        self.speaking.can_change_speed = facts.can_change_speed
        self.panes.mel_config = MelConfig(
            sample_rate=facts.sample_rate, hop_length=facts.hop_length, n_mels=facts.n_mels
        )
        self.comparison.speakers = tuple(name for name, _ in facts.speakers)
        self.comparison.compare()


def _import_sound_files(_cancelled: Callable[[], bool]) -> Generator[Step, None, None]:
    """Import what reads and writes sound files now, so that the first take is not shown a moment late."""
    yield Step(0.0, "Getting ready")
    import soundfile
    import soxr

    logger.debug("soundfile %s, soxr %s", soundfile.__version__, soxr.__version__)
