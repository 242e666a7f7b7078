"""What goes into the loudspeaker: sample-exact play, seek, switch and loop without clicks. No device here.

The audio callback calls `render` in its own thread; everything else is called by the window. A change
(start, pause, seek, another source) is a new `_Voice` put in place by one assignment, and the old one
fades out under it. `render` copies, adds two short ramps, and moves a counter.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lewm_core.playback import GrowingSound

Wave = np.ndarray | GrowingSound
FADE_SECONDS = 0.006


@dataclass
class _Voice:
    """A sound being played: `position` is the next sample to be rendered, `fade_in` samples still to rise.

    `waits` while a growing sound has not enough in hand.
    """

    wave: Wave
    position: int
    fade_in: int
    waits: bool


class Mixer:
    """Renders one mono sound with a volume, a loop region and 6 ms fades (positions in samples)."""

    def __init__(self, sample_rate: int) -> None:
        self.sample_rate = sample_rate
        self.volume = 1.0
        self.region: tuple[int, int] | None = None
        """Loop region in samples; read anew in every block, so edits take effect at once."""
        self.loop = False
        self._fade = max(1, round(FADE_SECONDS * sample_rate))
        self._ramp = (np.arange(self._fade, dtype=np.float32) + 0.5) / self._fade
        self._voice: _Voice | None = None
        self._tail: _Voice | None = None
        self._position = 0
        self.ended = False
        """True once a sound has come to its end by itself."""
        self.missed = 0
        """Samples of silence inside a growing sound because it grew too slowly."""
        self._advanced = 0

    # ------------------------------------------------------------------ the window's side
    @property
    def is_playing(self) -> bool:
        """True while a sound is rendered."""
        return self._voice is not None

    @property
    def position(self) -> int:
        """Next sample to be rendered (ahead of what is heard by the latency of the device)."""
        voice = self._voice
        return voice.position if voice is not None else self._position

    def play(self, wave: Wave, position: int) -> None:
        """Start, seek or switch: from now on `wave` from `position`, faded over what was playing."""
        self.ended = False
        position = max(0, position)
        fresh = _Voice(wave, position, self._fade, isinstance(wave, GrowingSound))
        self._tail, self._voice = self._voice or self._tail, fresh
        self._position = position

    def switch(self, wave: Wave) -> None:
        """Go on in another sound at the very next sample."""
        self.play(wave, self.position)

    def replace(self, wave: Wave) -> None:
        """Go on in another copy of the same sound, as if nothing had happened."""
        voice = self._voice
        if voice is not None:
            voice.wave = wave

    def pause(self) -> None:
        """Fade out and stay at the position."""
        voice = self._voice
        if voice is not None:
            self._position = voice.position
            self._tail, self._voice = voice, None

    def move(self, position: int) -> None:
        """Set the position while nothing plays."""
        self._position = max(0, position)

    # ------------------------------------------------------------------ the callback's side
    def render(self, out: np.ndarray) -> tuple[int, int]:
        """Fill `out` (samples,); return the position of its first sample and how far the sound moved on."""
        out[:] = 0.0
        voice, tail = self._voice, self._tail
        start = voice.position if voice is not None else self._position
        self._advanced = 0
        if tail is not None:
            self._render_tail(tail, out)
        if voice is not None:
            self._render_voice(voice, out)
        volume = self.volume
        if volume != 1.0:
            out *= volume
        return start, self._advanced

    def _render_tail(self, tail: _Voice, out: np.ndarray) -> None:
        samples, _ = _samples(tail.wave)
        count = 0 if tail.waits else min(self._fade, len(out), max(0, len(samples) - tail.position))
        ramp = np.linspace(1.0, 0.0, count, endpoint=False, dtype=np.float32)
        out[:count] += samples[tail.position : tail.position + count] * ramp
        if self._tail is tail:  # unless the window has put another one in its place meanwhile
            self._tail = None

    def _render_voice(self, voice: _Voice, out: np.ndarray) -> None:
        wave = voice.wave  # once: the window may put the finished copy of a growing sound in its place
        samples, is_complete = _samples(wave)
        if voice.waits:
            if isinstance(wave, GrowingSound) and not wave.may_play(voice.position):
                self.missed += len(out) if voice.position else 0
                return
            voice.waits = False
        while self._advanced < len(out):
            end = self._end_for(voice, len(samples))
            count = min(len(out) - self._advanced, end - voice.position)
            if count > 0:
                self._copy(voice, samples, out[self._advanced : self._advanced + count])
                self._advanced += count
            if voice.position < end:
                continue
            if end == len(samples) and not is_complete:
                self._run_dry(voice, out[: self._advanced])
                return
            if not self._wrap(voice, samples, out[self._advanced :]):
                if self._voice is voice:
                    self._position, self._voice, self.ended = voice.position, None, True
                return

    def _run_dry(self, voice: _Voice, rendered: np.ndarray) -> None:
        """The sound grew too slowly: fade out, and wait until there is enough in hand to go on."""
        count = min(self._fade, len(rendered))
        if count:
            rendered[-count:] *= np.linspace(1.0, 0.0, count, dtype=np.float32)
        voice.waits = True
        voice.fade_in = self._fade

    def _copy(self, voice: _Voice, samples: np.ndarray, out: np.ndarray) -> None:
        piece = samples[voice.position : voice.position + len(out)]
        voice.position += len(out)
        if voice.fade_in:
            rising = min(voice.fade_in, len(piece))
            first = self._fade - voice.fade_in
            out[:rising] += piece[:rising] * self._ramp[first : first + rising]
            out[rising : len(piece)] += piece[rising:]
            voice.fade_in -= rising
        else:
            out[: len(piece)] += piece

    def _end_for(self, voice: _Voice, length: int) -> int:
        """Where this pass ends: the end of the loop region when it lies ahead, else that of the sound."""
        region = self.region
        if self.loop and region is not None and voice.position <= region[1]:
            return min(region[1], max(length, region[0] + 1))
        return length

    def _wrap(self, voice: _Voice, samples: np.ndarray, rest: np.ndarray) -> bool:
        """Go back to the start of the loop; False when there is none."""
        if not self.loop:
            return False
        region = self.region
        start = region[0] if region is not None else 0
        if start >= len(samples):
            return False
        count = min(self._fade, len(rest), max(0, len(samples) - voice.position))
        if count:  # what follows the region fades out under its beginning: no click at the seam
            ramp = np.linspace(1.0, 0.0, count, endpoint=False, dtype=np.float32)
            rest[:count] += samples[voice.position : voice.position + count] * ramp
        voice.position = start
        voice.fade_in = self._fade
        return True


def _samples(wave: Wave) -> tuple[np.ndarray, bool]:
    """What there is of a sound (samples,), and whether that is all of it."""
    if isinstance(wave, np.ndarray):
        return wave, True
    is_complete = wave.is_complete  # before the samples: it stays true of them
    return wave.now(), is_complete
