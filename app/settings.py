"""Settings that outlive a session: look, listening and layout. A damaged file is set aside."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from app.paths import Places
from app.stored_json import read_object, write_object

THEMES = ("dark", "light", "system")
ARRANGEMENTS = ("rows", "columns", "grid")
SUBTYPES = ("PCM_16", "PCM_24", "FLOAT")


@dataclass
class Settings:
    """All settings with their defaults. `geometry`, `layout` are Qt's own bytes in base64."""

    theme: str = "dark"
    colour_map: str = "magma"
    arrangement: str = "rows"
    level_low: float = -50.0
    level_high: float = 35.0
    follow_playhead: bool = True
    live: bool = False
    volume: float = 1.0
    device: str = ""
    wav_subtype: str = "PCM_16"
    export_folder: str = ""
    open_folder: str = ""
    vocoder: str = ""
    data_manifest: str = ""
    show_compose: bool = True
    show_inspector: bool = True
    show_errors: bool = True
    inspector_tab: str = "slice"
    error_pane: str = "reconstruction"
    error_measure: str = "l1"
    link_by_path: bool = True
    match_levels: bool = False
    run_folder: str = ""
    """The run or the checkpoint file that stands beside the voice."""
    run_checkpoint: str = ""
    """Name of the checkpoint of the run that is shown; "" follows the newest one."""
    grid_texts: str = ""
    """Of the grid of checkpoints: sentences and speakers, one a line, and what else was chosen there."""
    grid_speakers: str = ""
    grid_checkpoints: str = "all"
    grid_rendering: str = "autoregressive"
    grid_clip: bool = False
    second_speaker: str = ""
    """Who speaks for a second checkpoint that has not the speaker of the sentence."""
    second_rendering: str = "autoregressive"
    hidden_panes: str = ""
    show_formants: bool = False
    formant_number: float = 5.0
    formant_window: float = 0.025
    formant_ceilings: dict[str, float] = field(default_factory=dict)
    """By speaker, Hz; speakers that are not in it get the suggested one."""
    noise_of: str = "reconstruction"
    show_noise: bool = False
    pair_view: str = "off"
    pair_first: str = "reconstruction"
    pair_second: str = "ground_truth"
    pair_range: float = 12.0
    blink_timed: bool = True
    drift_sections: str = "mix latents curves attention numbers"
    drift_run: str = "autoregressive"
    drift_head: str = "mean"
    second_alone: bool = True
    speaker_layout: str = "pca"
    geometry: str = ""
    columns: str = ""
    left_rows: str = ""

    def to_json(self) -> dict[str, Any]:
        """A dict that `settings_from_json` reads back."""
        return asdict(self)


INSPECTOR_TABS = {
    "slice": "Slice",
    "differences": "Differences",
    "drift": "TF / AR",
    "listening": "Listening",
    "run": "Checkpoints over time",
    "speakers": "Speakers",
    "checkpoint": "Checkpoint",
}
"""The pages of the inspector from the top, with their titles."""
DRIFT_SECTIONS = ("mix", "latents", "curves", "attention", "numbers")
"""Parts of the TF / AR page that fold; `drift_sections` names those that are open."""
_CHOICES = {
    "theme": THEMES,
    "arrangement": ARRANGEMENTS,
    "wav_subtype": SUBTYPES,
    "inspector_tab": tuple(INSPECTOR_TABS),
    "error_pane": ("reconstruction", "teacher_forced", "autoregressive"),
    "error_measure": ("l1", "blur"),
    "speaker_layout": ("pca", "mds"),
    "second_rendering": ("reconstruction", "teacher_forced", "autoregressive"),
    "drift_run": ("teacher_forced", "autoregressive"),
    "noise_of": ("reconstruction", "teacher_forced", "autoregressive"),
    "pair_view": ("off", "difference", "wipe", "blink"),
}
_RANGES = {
    "volume": (0.0, 1.0),
    "level_low": (-140.0, 60.0),
    "level_high": (-140.0, 60.0),
    "pair_range": (3.0, 60.0),
    "formant_number": (3.0, 8.0),
    "formant_window": (0.01, 0.1),
}


def settings_from_json(data: dict[str, Any]) -> Settings:
    """Settings from a dict; an unknown, missing or unusable value gets its default, one at a time."""
    settings = Settings()
    for known in fields(Settings):
        value = data.get(known.name)
        if _is_usable(known.name, value, getattr(settings, known.name)):
            setattr(settings, known.name, value)
    return settings


def _is_usable(name: str, value: Any, default: Any) -> bool:
    if isinstance(default, float):
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            return False
        low, high = _RANGES[name]
        return low <= value <= high
    return type(value) is type(default) and (name not in _CHOICES or value in _CHOICES[name])


def load_settings(places: Places) -> tuple[Settings, str]:
    """The saved settings (or defaults) and a sentence when the file was damaged and set aside."""
    data, message = read_object(places.settings)
    return settings_from_json(data or {}), message


def save_settings(places: Places, settings: Settings) -> None:
    """Write the settings, whole or not at all; raises OSError."""
    write_object(places.settings, settings.to_json())
