"""The same sentences through several checkpoints: does training still help, and which epoch is best?

    for event in sweep(open_run("RUN").checkpoints, [SweepItem("All night, the sailors bailed.")]):
        ...  # Progress, or a finished SweepCell

m mel bands   t mel frames
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Generator, Sequence
from pathlib import Path

import numpy as np

from lewm_core.analysis.alignment import align, warped_to_reference
from lewm_core.analysis.checks import AnalysisError
from lewm_core.analysis.formant_blur import formant_blur, spectral_contrast
from lewm_core.analysis.mel_error import mel_l1
from lewm_core.analysis.run_folder import SavedCheckpoint
from lewm_core.checkpoint import load_arrays
from lewm_core.config import MelConfig
from lewm_core.data_rows import open_store, parse_row_name, row_mel, row_sound
from lewm_core.graph_voice import GraphVoice
from lewm_core.inference import Progress, Rendering, Synthesiser, SynthesisRequest, never
from lewm_core.sweep_cells import CellRendering, SweepCell, SweepItem
from lewm_core.text_characters import first_speaker_for
from lewm_core.vocoder import Vocoder, load_vocoder

TRUTH, FREE = "ground_truth", "autoregressive"


class VoiceShelf:
    """The checkpoints used last, loaded; they share their vocoders, which weigh as much as a small model.

    ``capacity`` models stay in memory. A file that was written anew since is loaded again.
    """

    def __init__(self, capacity: int = 2) -> None:
        self._capacity = capacity
        self._voices: OrderedDict[tuple[Path, int, int], Synthesiser] = OrderedDict()
        self._vocoders: dict[tuple[str, MelConfig], Vocoder] = {}

    def get(self, path: Path | str, vocoder: str | None = None) -> Synthesiser:
        """The voice of a checkpoint, with a vocoder by name (None: the one it names).

        Raises:
            CheckpointError, VocoderError: with a sentence that says what is wrong.
            OSError: the file is gone.
        """
        path = Path(path)
        status = path.stat()
        key = (path, status.st_size, status.st_mtime_ns)
        if key not in self._voices:
            while len(self._voices) >= self._capacity:
                self._voices.popitem(
                    last=False
                )  # before the next one is loaded: memory holds no more than promised
            arrays, info = load_arrays(path)
            sound = self._vocoder(vocoder or info.vocoder, info.mel)
            self._voices[key] = Synthesiser(None, info, sound, GraphVoice(info.config, arrays))
        self._voices.move_to_end(key)
        voice = self._voices[key]
        wanted = vocoder or voice.info.vocoder
        if voice.vocoder_name != wanted:
            voice = self._voices[key] = voice.with_vocoder(self._vocoder(wanted, voice.info.mel))
        return voice

    def __len__(self) -> int:
        return len(self._voices)

    def _vocoder(self, name: str, mel: MelConfig) -> Vocoder:
        if (name, mel) not in self._vocoders:
            self._vocoders[name, mel] = load_vocoder(name, mel)
        return self._vocoders[name, mel]


def sweep(
    checkpoints: Sequence[SavedCheckpoint],
    items: Sequence[SweepItem],
    vocoder: str | None = None,
    cancelled: Callable[[], bool] = never,
) -> Generator[Progress | SweepCell, None, None]:
    """Put every item through every checkpoint, one checkpoint after the other.

    What one cell cannot do (a checkpoint without the speaker, a damaged file, a text that does not fit its clip) is
    told in its ``failure``, and the others go on. When ``cancelled()`` turns true it ends after the present step.

    Yields:
        progress, and each cell as soon as it is made.
    """
    shelf = VoiceShelf(capacity=1)
    total = max(1, len(checkpoints) * len(items))
    for number, (saved, item) in enumerate((saved, item) for saved in checkpoints for item in items):
        job = make_cell(shelf, saved.path, saved.step, item, vocoder, cancelled)
        while not cancelled():
            try:
                step = next(job)
            except StopIteration as end:
                yield end.value
                break
            yield Progress((number + step.fraction) / total, f"{saved.name}, {item.text[:40]}")


def make_cell(
    shelf: VoiceShelf, path: Path, step: int, item: SweepItem, vocoder: str | None = None,
    cancelled: Callable[[], bool] = never,
) -> Generator[Progress, None, SweepCell]:  # fmt: skip
    """Put one sentence through one checkpoint; what cannot be done is told in the cell's ``failure``."""
    yield Progress(0.0, "Loading the checkpoint")
    try:
        voice = shelf.get(path, vocoder)
        speaker = item.speaker or first_speaker_for(item.text, voice.info.speakers)
        run = (
            _compared(voice, item, speaker, cancelled)
            if item.clip
            else _spoken(voice, item, speaker, cancelled)
        )
        cell = yield from run
    except (ValueError, OSError) as error:
        if type(error) is ValueError:  # a fault of ours, not of what was given
            raise
        return SweepCell(path.stem, step, item, item.speaker, {}, failure=str(error))
    return cell


def _spoken(
    voice: Synthesiser, item: SweepItem, speaker: str, cancelled: Callable[[], bool]
) -> Generator[Progress, None, SweepCell]:
    request = SynthesisRequest(item.text, speaker, item.seed, item.temperature)
    result = yield from voice.synthesise(request, cancelled)
    made = {FREE: CellRendering(result.mel, result.wave, figures_of(result.mel, None, False, voice.info.mel))}
    return _cell(voice, item, speaker, made, result.stop_reason, result.recipe)


def _compared(
    voice: Synthesiser, item: SweepItem, speaker: str, cancelled: Callable[[], bool]
) -> Generator[Progress, None, SweepCell]:
    assert item.clip is not None
    sound, mel = _clip(voice, item.clip)
    comparison = yield from voice.compare(
        sound, item.text, speaker, item.seed, item.temperature, cancelled, mel
    )
    truth = comparison.panes[TRUTH].mel
    made = {
        key: _measured(pane, truth, key == FREE, voice.info.mel)
        for key, pane in comparison.panes.items()
        if key != TRUTH
    }
    return _cell(voice, item, speaker, made, comparison.stop_reason, comparison.recipe)


def _clip(voice: Synthesiser, clip: Path) -> tuple[np.ndarray | Path, np.ndarray | None]:
    """A recording; of a row of data (``data_rows.row_name``) its sound and its mel (m, t)."""
    stored = parse_row_name(str(clip))
    if stored is None:
        return clip, None
    manifest, row = stored
    store = open_store(manifest)
    mel = row_mel(store, row)
    wave, _ = row_sound(manifest.parent, store, row)
    return voice.vocoder.decode(mel) if wave is None else wave, mel


def _cell(
    voice: Synthesiser, item: SweepItem, speaker: str, made: dict[str, CellRendering], stop_reason: str,
    recipe: dict[str, object],
) -> SweepCell:  # fmt: skip
    info = voice.info
    return SweepCell(
        info.path.stem, info.step, item, speaker, made, info.mel.sample_rate, stop_reason, dict(recipe)
    )


def _measured(pane: Rendering, truth: np.ndarray, align_first: bool, config: MelConfig) -> CellRendering:
    return CellRendering(pane.mel, pane.wave, figures_of(pane.mel, truth, align_first, config))


def figures_of(
    mel: np.ndarray, truth: np.ndarray | None, align_first: bool, config: MelConfig
) -> dict[str, float]:
    """Figures of a mel (m, t): "contrast_db" and "seconds", with a truth "l1" (nats) and "blur" as well.

    align_first: put the mel on the truth's time axis by DTW, as a free run needs. What cannot be measured is left
    out.
    """
    if not mel.shape[1]:
        return {}
    figures: dict[str, float | None] = {}
    try:
        figures["contrast_db"] = spectral_contrast(mel, config)
        figures["seconds"] = (mel.shape[1] - 1) / config.frame_rate
        if truth is not None:
            if align_first:
                mel = warped_to_reference(mel, align(truth, mel, config.frame_rate))
            figures["l1"] = mel_l1(mel, truth)
            figures["blur"] = formant_blur(mel, truth, config).mean
    except AnalysisError:
        pass  # too short to be aligned
    return {name: value for name, value in figures.items() if value is not None}
