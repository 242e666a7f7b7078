"""One recording to its segments: cut, trim, level, mel. What runs in the worker processes.

t mel frames   m mel bands
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from lewm_core.analysis.checks import AnalysisError
from lewm_core.manifest import Utterance
from lewm_core.mel import AudioError, load_audio, log_mel
from lewm_core.phonemes import PhonemeError, phonemise
from lewm_core.preprocess.fit import Fit, fit_sentences, pace_spread
from lewm_core.preprocess.recordings import Recording, Rejection
from lewm_core.preprocess.silence import MARGIN_S, SpeechMap, find_speech
from lewm_core.preprocess.sound import SAMPLE_RATE, gain_db, read_stretch, seconds_of
from lewm_core.preprocess.spans import BoundedSpan
from lewm_core.text import TextError, normalise, split_sentences

DEFAULT_LUFS = -23.0
PLAUSIBLE_PACE = (2.0, 40.0)
"""Sounds a second of speech; outside lies a wrong transcript."""
ESTIMATED_PACE = (5.0, 28.0)
"""The same for cuts that were estimated."""
MOST_DEVIATION = 2.5
"""An estimated segment's pace differs from its recording's median by at most so many standard deviations."""
SUREST = 0.9
"""Estimated cuts need so much certainty."""
_FEW_SOUNDS = 8
_LONG_SENTENCE = 240  # characters; longer ones are divided at commas


@dataclass(frozen=True)
class Recipe:
    """What decides the mels.

    Attributes:
        trim: cut silence at both ends but for 0.1 s.
        loudness: integrated loudness in LUFS that every speaker in a recording is brought to; None: as it is.
        min_seconds, max_seconds: bounds of a segment; longer recordings without time stamps are cut at silences.
    """

    trim: bool = True
    loudness: float | None = DEFAULT_LUFS
    min_seconds: float = 0.3
    max_seconds: float = 30.0


@dataclass(frozen=True)
class Task:
    """A recording without time stamps, or a stretch of one with them."""

    recording: Recording
    spans: tuple[BoundedSpan, ...] | None = None


@dataclass
class Made:
    """Mels (t, m) float16 with their manifest lines (audio and offset still open), and what was left out."""

    pieces: list[tuple[np.ndarray, Utterance]] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)


@dataclass(frozen=True)
class _Cut:
    """A segment to be: text, speaker, [start, end] in seconds of the recording."""

    text: str
    speaker: str
    start: float
    end: float
    estimated: bool = False


Refuse = Callable[[_Cut, str, str], None]


def prepare(task: Task, recipe: Recipe) -> Made:
    """Make the segments of one recording. Never raises for what lies in the files: that is rejected and told."""
    made = Made()
    recording = task.recording

    def refuse(cut: _Cut, kind: str, reason: str) -> None:
        made.rejected.append(Rejection(str(recording.audio), kind, reason, cut.text, cut.start, cut.end))

    try:
        if task.spans is not None:
            _stamped(task.spans, recording, recipe, made, refuse)
        elif seconds_of(recording.audio) > recipe.max_seconds:
            _estimated(recording, recipe, made, refuse)
        else:
            _whole(recording, recipe, made, refuse)
    except MemoryError:
        raise
    except AudioError as error:
        made = Made(rejected=[Rejection(str(recording.audio), "sound", str(error), recording.text)])
    except (TextError, PhonemeError) as error:
        made = Made(rejected=[Rejection(str(recording.audio), "text", str(error), recording.text)])
    except Exception as error:
        # One odd file among thousands must not end a night's run; the report says what it was.
        reason = f"unexpected {type(error).__name__}: {error}"
        made = Made(rejected=[Rejection(str(recording.audio), "failure", reason, recording.text)])
    return made


def count_sounds(phonemes: str) -> int:
    """Sounds in an IPA string: its letters, without stress and length marks, ties, spaces and punctuation."""
    return sum(unicodedata.category(character) in ("Ll", "Lu", "Lo") for character in phonemes)


def _whole(recording: Recording, recipe: Recipe, made: Made, refuse: Refuse) -> None:
    wave = load_audio(recording.audio)
    cut = _Cut(recording.text, recording.speaker, 0.0, len(wave) / SAMPLE_RATE)
    _finish([cut], wave, 0.0, recording.language, recipe, made, refuse)


def _stamped(
    spans: tuple[BoundedSpan, ...], recording: Recording, recipe: Recipe, made: Made, refuse: Refuse
) -> None:
    begin = spans[0].lower
    wave = read_stretch(recording.audio, begin, spans[-1].upper)
    speech = find_speech(wave, SAMPLE_RATE)
    cuts = []
    for bounds in spans:
        start, end = bounds.start, bounds.end
        if recipe.trim:
            start, end = speech.widened(
                start - begin, end - begin, bounds.lower - begin, bounds.upper - begin
            )
            start, end = start + begin, end + begin
        cuts.append(_Cut(bounds.span.text, bounds.span.speaker or recording.speaker, start, end))
    _finish(cuts, wave, begin, recording.language, recipe, made, refuse, speech)


def _estimated(recording: Recording, recipe: Recipe, made: Made, refuse: Refuse) -> None:
    """Cut at silences what has a transcript but no time stamps."""
    sentences = [
        sentence.text for sentence in split_sentences(recording.text, recording.language, _LONG_SENTENCE)
    ]
    sounds = [max(1, count_sounds(phonemise(text, recording.language))) for text in sentences]
    wave = read_stretch(recording.audio, 0.0, seconds_of(recording.audio))
    speech = find_speech(wave, SAMPLE_RATE)
    fits = fit_sentences(speech, sounds, recipe.max_seconds)
    median = float(np.median([fit.pace for fit in fits])) if fits else 0.0
    reached = 0
    cuts = []
    for fit in fits:
        _unspoken(sentences[reached : fit.first], recording, refuse)
        reached = fit.last
        text = " ".join(sentences[fit.first : fit.last])
        cut = _Cut(text, recording.speaker, fit.begin, fit.end, estimated=True)
        reason = implausible(fit, median)
        if reason:
            refuse(cut, *reason)
        else:
            cuts.append(cut)
    _unspoken(sentences[reached:], recording, refuse)
    _finish(_with_margins(cuts, fits, speech), wave, 0.0, recording.language, recipe, made, refuse, speech)


def _unspoken(sentences: list[str], recording: Recording, refuse: Refuse) -> None:
    for sentence in sentences:
        reason = "nowhere in the recording does a stretch between pauses fit this sentence's length"
        refuse(_Cut(sentence, recording.speaker, 0.0, 0.0, True), "no fit", reason)


def implausible(fit: Fit, median: float) -> tuple[str, str] | None:
    """Why an estimated segment cannot be trusted: kind and reason; None if it can. ``median``: the recording's pace."""
    ratio = fit.pace / median
    if abs(np.log(ratio)) > MOST_DEVIATION * pace_spread(fit.sounds):
        return "reading rate", (
            f"{fit.pace:.1f} sounds a second, {ratio:.2f} times the recording's median: text and sound do not fit"
        )
    if not ESTIMATED_PACE[0] <= fit.pace <= ESTIMATED_PACE[1]:
        return "reading rate", (
            f"{fit.pace:.1f} sounds a second; plausible are {ESTIMATED_PACE[0]:g} to {ESTIMATED_PACE[1]:g}"
        )
    if fit.certainty < SUREST:
        return "uncertain cut", (
            f"other cuts fit nearly as well (certainty {fit.certainty:.2f}, {SUREST:g} is needed); "
            "time stamps would settle it"
        )
    return None


def _with_margins(cuts: list[_Cut], fits: list[Fit], speech: SpeechMap) -> list[_Cut]:
    """Give each cut its margin of the pauses around it, at most half of each, trimmed or not."""
    begins = np.array([*(fit.begin for fit in fits), np.inf])
    ends = np.array([-np.inf, *(fit.end for fit in fits)])
    widened = []
    for cut in cuts:
        before, after = ends[ends <= cut.start].max(), begins[begins >= cut.end].min()
        start = max(0.0, cut.start - MARGIN_S, (before + cut.start) / 2)
        end = min(speech.seconds, cut.end + MARGIN_S, (cut.end + after) / 2)
        widened.append(replace(cut, start=start, end=end))
    return widened


def _finish(
    cuts: list[_Cut], wave: np.ndarray, begin: float, language: str, recipe: Recipe, made: Made, refuse: Refuse,
    speech: SpeechMap | None = None,
) -> None:  # fmt: skip
    """Trim, check, level and transform the cuts of ``wave``, which starts at ``begin`` seconds."""
    speech = speech or find_speech(wave, SAMPLE_RATE)
    ready: list[tuple[_Cut, np.ndarray, str, str]] = []
    for cut in cuts:
        trimmed = speech.trimmed(cut.start - begin, cut.end - begin)
        if trimmed is None:
            refuse(cut, "silent", "there is no speech in it")
            continue
        first, last = trimmed if recipe.trim else (cut.start - begin, cut.end - begin)
        samples = round(first * SAMPLE_RATE), min(len(wave), round(last * SAMPLE_RATE))
        cut = replace(
            cut,
            start=round(begin + samples[0] / SAMPLE_RATE, 5),
            end=round(begin + samples[1] / SAMPLE_RATE, 5),
        )
        try:
            text = normalise(cut.text, language)
            phonemes = phonemise(text, language)
        except (TextError, PhonemeError) as error:
            refuse(cut, "text", str(error))
            continue
        reason = _unfit(cut, count_sounds(phonemes), speech.speech_seconds(first, last), recipe)
        if reason:
            refuse(cut, *reason)
            continue
        ready.append((cut, wave[samples[0] : samples[1]], text, phonemes))
    gains = _gains(ready, recipe.loudness)
    for cut, piece, text, phonemes in ready:
        gain = gains[cut.speaker]
        try:
            mel = log_mel(piece * np.float32(10 ** (gain / 20)) if gain else piece).T.astype(np.float16)
        except AudioError as error:
            refuse(cut, "too short", str(error))
            continue
        row = Utterance(
            text, phonemes, cut.speaker, language, 0, len(mel), "", cut.start, cut.end, cut.estimated, gain
        )
        made.pieces.append((mel, row))


def _gains(ready: list[tuple[_Cut, np.ndarray, str, str]], target: float | None) -> dict[str, float]:
    """Gain in dB by speaker: one for all that a speaker says in a recording keeps what is soft, soft."""
    pieces: dict[str, list[np.ndarray]] = {}
    for cut, piece, _, _ in ready:
        pieces.setdefault(cut.speaker, []).append(piece)
    if target is None:
        return dict.fromkeys(pieces, 0.0)
    try:
        return {speaker: gain_db(own, target) for speaker, own in pieces.items()}
    except AnalysisError as error:
        raise AudioError(str(error)) from error


def _unfit(cut: _Cut, sounds: int, speech_seconds: float, recipe: Recipe) -> tuple[str, str] | None:
    """Why a segment cannot be used: kind and reason; None if it can."""
    seconds = cut.end - cut.start
    if seconds < recipe.min_seconds:
        return "too short", f"{seconds:.2f} s; at least {recipe.min_seconds:g} s are needed (--min-seconds)"
    if seconds > recipe.max_seconds:
        return "too long", (
            f"{seconds:.1f} s; at most {recipe.max_seconds:g} s (--max-seconds): give shorter time stamps"
        )
    pace = sounds / max(speech_seconds, 0.01)
    if pace > PLAUSIBLE_PACE[1] or (sounds >= _FEW_SOUNDS and pace < PLAUSIBLE_PACE[0]):
        return "reading rate", (
            f"{sounds} sounds in {speech_seconds:.1f} s of speech ({pace:.1f} a second; plausible are "
            f"{PLAUSIBLE_PACE[0]:g} to {PLAUSIBLE_PACE[1]:g}): is this its transcript?"
        )
    return None
