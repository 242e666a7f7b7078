"""The mels and the transport bar tied to timeline, panes and player."""

from __future__ import annotations

from app.binding_panels import SYSTEM_DEVICE
from app.clip_bar import ClipBar
from app.jobs import Job
from app.panes import EXTRA_TITLES, MIXED, NOISE, PAIR, PANE_TITLES, SECOND, SOURCE_TITLES
from app.session import SOURCES, Clip
from app.speaker_choice import is_offered, speaker_label
from app.studio import Studio
from lewm_core.speaker_blend import language_of
from widgets.frequency_scale import MelScale
from widgets.mel_comparison import HoverReadout, MelComparison
from widgets.mel_pane import PaneSpec
from widgets.transport_bar import TransportBar

KEYS = {source: str(number) for number, source in enumerate((*SOURCES, NOISE, SECOND, MIXED), start=1)}
EMPTY_MESSAGES = {
    "ground_truth": "Open a clip, or drop a recording here",
    "reconstruction": "What autoencoder and vocoder keep of the clip",
    "teacher_forced": "What the predictor makes of the clip's own past",
    "autoregressive": "Type a sentence and press Ctrl+Enter",
    SECOND: "What the second checkpoint makes of the sentence",
}


DETAIL_DEFINITION = (
    "Mel L1: mean absolute difference of the log-mels to the ground truth's, in nats (× 8.686: dB). "
    "“Along DTW”: on the time axis of the ground truth.\ndocs/analysis.md, mel_error"
)
LEVEL_DEFINITION = "Level of the mel at the crosshair, in dB.\ndocs/analysis.md, In the studio"


class MelsBinding:
    """The four panes show the pane model and the timeline, and ask the timeline for changes."""

    def __init__(self, view: MelComparison, studio: Studio) -> None:
        self._view = view
        self._studio = studio
        timeline, listening = studio.timeline, studio.listening
        view.set_panes(
            [
                PaneSpec("ground_truth", PANE_TITLES["ground_truth"], KEYS["original"], KEYS["ground_truth"]),
                *(PaneSpec(key, PANE_TITLES[key], KEYS[key]) for key in list(PANE_TITLES)[1:]),
                *(PaneSpec(key, EXTRA_TITLES[key], KEYS[key]) for key in (MIXED, SECOND, NOISE)),
                PaneSpec(PAIR, "", is_pair=True),
            ]
        )
        for key in (*PANE_TITLES, SECOND, NOISE):
            view.pane(key).header.set_definitions(DETAIL_DEFINITION, LEVEL_DEFINITION)
        self._set_scale()
        for key, message in EMPTY_MESSAGES.items():
            view.set_empty_message(key, message)
        view.set_arrangement(studio.settings.arrangement)
        view.set_colour_map(timeline.colour_map)
        view.set_levels(*timeline.levels)
        view.set_duration(timeline.extent)
        view.set_time_range(*timeline.range)
        view.set_active_source(studio.player.source)

        timeline.duration_changed.connect(lambda _seconds: view.set_duration(timeline.extent))
        timeline.range_changed.connect(view.set_time_range)
        timeline.playhead_changed.connect(view.set_playhead)
        timeline.selection_changed.connect(view.set_selection)
        timeline.levels_changed.connect(view.set_levels)
        timeline.colour_map_changed.connect(view.set_colour_map)
        studio.panes.pane_changed.connect(self._on_pane)
        studio.player.source_changed.connect(view.set_active_source)
        studio.player.playing_changed.connect(view.set_playing)
        studio.voice.loaded.connect(lambda _voice: self._set_scale())
        studio.second.changed.connect(self._say_why_second_is_empty)
        studio.alignment.changed.connect(lambda: view.set_time_link(studio.alignment.moved))

        view.time_range_requested.connect(timeline.set_range)
        view.seek_requested.connect(listening.seek)
        view.selection_requested.connect(listening.select)
        view.levels_requested.connect(timeline.set_levels)
        view.colour_map_requested.connect(timeline.set_colour_map)
        view.play_requested.connect(listening.play_pane)
        view.vocoded_toggled.connect(self._on_vocoded)

    def _set_scale(self) -> None:
        config = self._studio.panes.mel_config
        self._view.set_frequency_scale(MelScale(config.sample_rate, config.n_mels))

    def _on_pane(self, key: str) -> None:
        content = self._studio.panes.content(key)
        self._view.set_mel(key, content.mel_db, self._studio.panes.frame_rate, content.detail)

    def _say_why_second_is_empty(self) -> None:
        second = self._studio.second
        making = f"Rendering {second.chosen.name}…" if second.chosen is not None and second.left else ""
        self._view.set_empty_message(SECOND, second.problem or making or EMPTY_MESSAGES[SECOND])

    def _on_vocoded(self, vocoded: bool) -> None:
        if self._studio.player.source in ("original", "ground_truth"):
            self._studio.listening.choose("ground_truth" if vocoded else "original")


class TransportBinding:
    """The bar at the foot: what is heard, what is under the mouse, what is being done."""

    def __init__(self, bar: TransportBar, view: MelComparison, studio: Studio) -> None:
        self._bar = bar
        self._studio = studio
        player, timeline, listening = studio.player, studio.timeline, studio.listening
        self._offered: list[str] = []
        bar.set_volume(studio.settings.volume)
        bar.play_toggled.connect(listening.toggle)
        bar.stop_requested.connect(listening.stop)
        bar.source_chosen.connect(self._on_source_chosen)
        bar.loop_toggled.connect(timeline.set_loop)
        bar.volume_changed.connect(self._on_volume)
        bar.device_chosen.connect(self._on_device)
        bar.job_cancel_requested.connect(studio.cancel_job)
        player.playing_changed.connect(bar.set_playing)
        player.source_changed.connect(bar.set_source)
        player.devices_changed.connect(self._on_devices)
        timeline.loop_changed.connect(bar.set_loop)
        timeline.playhead_changed.connect(lambda _time: self._show_position())
        timeline.duration_changed.connect(lambda _time: self._show_position())
        studio.panes.sounds_changed.connect(self._on_sounds)
        studio.job_started.connect(self._on_job)
        view.hovered.connect(self._on_hover)
        for job in studio.engine.lanes.all():  # the voice may be loading already
            self._on_job(job)
        self._on_sounds()
        self._show_position()

    def _on_source_chosen(self, source: str) -> None:
        self._studio.listening.choose(source)
        self._bar.set_source(self._studio.player.source)

    def _on_volume(self, volume: float) -> None:
        self._studio.player.set_volume(volume)
        self._studio.set_setting("volume", volume)

    def _on_device(self, name: str) -> None:
        device = "" if name == SYSTEM_DEVICE else name
        self._studio.set_setting("device", device)
        self._studio.player.set_device(device)

    def _on_devices(self, names: list[str], current: str) -> None:
        self._bar.set_devices([SYSTEM_DEVICE, *names] if names else [], current or SYSTEM_DEVICE)

    def _on_sounds(self) -> None:
        sounds = self._studio.panes.sounds()
        offered = [source for source in KEYS if source in SOURCES or source in sounds]
        if offered != self._offered:
            self._offered = offered
            self._bar.set_sources([(source, SOURCE_TITLES[source], KEYS[source]) for source in offered])
            self._bar.set_source(self._studio.player.source)
        for source in offered:
            self._bar.set_source_enabled(source, source in sounds)
        self._bar.set_playable(bool(sounds))

    def _show_position(self) -> None:
        self._bar.set_position(self._studio.timeline.playhead or 0.0, self._studio.timeline.duration)

    def _on_job(self, job: Job) -> None:
        job.stepped.connect(lambda _step: self.show_job())
        job.ended.connect(self.show_job)
        self.show_job()

    def show_job(self) -> None:
        """Show the running job, or that nothing runs."""
        job = self._studio.running_job()
        if job is None:
            self._bar.set_job(None)
        elif job.is_cancelled:
            self._bar.set_job("Cancelling…", None)
        else:
            self._bar.set_job(job.step.message or job.title, job.step.fraction)

    def _on_hover(self, readout: HoverReadout | None) -> None:
        if readout is None:
            self._bar.set_readout(None, None, None)
        else:
            self._bar.set_readout(readout.time_s, readout.hz, readout.levels_db.get(readout.pane))


class ClipBinding:
    """The clip bar mirrors the clip of the session."""

    def __init__(self, bar: ClipBar, studio: Studio) -> None:
        self._bar = bar
        self._studio = studio
        bar.transcript_entered.connect(studio.comparison.set_transcript)
        bar.speaker_chosen.connect(studio.comparison.set_speaker)
        studio.session.events.clip.connect(self._show)
        studio.session.events.speaker.connect(lambda _speaker: self._show(studio.session.clip))
        studio.voice.loaded.connect(lambda _voice: self._on_voice())
        studio.comparison.clip_opened.connect(self._on_opened)
        self._on_voice()

    def _on_voice(self) -> None:
        self._bar.set_speakers(list(self._studio.voice.speakers))
        self._show(self._studio.session.clip)

    def _show(self, clip: Clip | None) -> None:
        names = {name for name, _ in self._studio.voice.speakers}
        own = clip.speaker if clip is not None and clip.speaker in names else ""
        speaker = own or self._studio.session.speaker
        self._bar.set_clip(clip, speaker)
        if speaker not in names and is_offered(speaker, languages := dict(self._studio.voice.speakers)):
            self._bar.set_blend(speaker, speaker_label(speaker), language_of(speaker, languages))

    def _on_opened(self) -> None:
        clip = self._studio.session.clip
        self._show(clip)
        if clip is not None and not clip.text:
            self._bar.focus_transcript()
