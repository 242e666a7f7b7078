"""Voice prompts: a clip and its words, encoded once, from which the voice goes on.

A prompt holds the clip's latents, the words as the text encoder reads them and how long each unit of them lasts.
A request with a prompt reads the prompt's words and its own as one text, runs the predictor over the known
latents, and speaks freely from there on; what it returns is the new part alone.

Files are safetensors with a JSON header under ``lewm_prompt``; reading one runs no code. A prompt belongs to the
checkpoint that made it.

n latents   d latent dimensions   u text units   r latents a step
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lewm_core.files import write_atomically

if TYPE_CHECKING:
    from lewm_core.checkpoint import CheckpointInfo
    from lewm_core.graph_engine import Known
    from lewm_core.graph_voice import GraphVoice
    from lewm_core.inference import Synthesiser
    from lewm_core.model.lewm import LeWM
    from lewm_core.model.prompt_fill import PromptSteps

FORMAT_VERSION = 1
HEADER_KEY = "lewm_prompt"
SHORTEST_SECONDS, LONGEST_SECONDS = 0.5, 20.0
_HEADER_LIMIT = 1_000_000  # bytes
_TEXT_LIMIT = 20_000


class PromptError(ValueError):
    """A voice prompt cannot be made or used; the message says what to do."""


@dataclass(frozen=True, eq=False)
class VoicePrompt:
    """A prepared prompt.

    Attributes:
        latents: (n, d) in the decoder's space, n a multiple of r.
        durations: (u,) latents that each unit of ``read`` lasts; empty where alignment is "attention".
        text: the normalised words.  read: what the text encoder reads of them.  language: a speaker's tag.
        clip: name of the file it was made from, "" where there was none.  seconds: of speech.
        checkpoint_sha256: of the checkpoint it belongs to.
    """

    latents: np.ndarray
    durations: np.ndarray
    text: str
    read: str
    language: str
    clip: str
    seconds: float
    checkpoint_sha256: str

    @property
    def sha256(self) -> str:
        """First 16 hexadecimal digits of a hash of what the prompt makes the voice say."""
        digest = hashlib.sha256(self.read.encode())
        digest.update(np.ascontiguousarray(self.latents, dtype="<f4").tobytes())
        digest.update(np.ascontiguousarray(self.durations, dtype="<i8").tobytes())
        return digest.hexdigest()[:16]

    def facts(self) -> dict[str, Any]:
        """What a recipe keeps of it, JSON-able."""
        return {"clip": self.clip, "text": self.text, "language": self.language,
                "seconds": round(self.seconds, 3), "sha256": self.sha256}  # fmt: skip

    def known(self, voice: GraphVoice) -> Known:
        """The prompt as the engine takes it."""
        from lewm_core.graph_engine import Known

        durations = self.durations if len(self.durations) else None
        return Known(voice.history(self.latents), durations, len(self.read.encode()))

    def steps(self, model: LeWM) -> PromptSteps:
        """The prompt as the engine in torch takes it."""
        import torch

        from lewm_core.model.prompt_fill import PromptSteps

        latents = model.normalise(torch.from_numpy(np.ascontiguousarray(self.latents)))
        durations = torch.from_numpy(self.durations)[None] if len(self.durations) else None
        history = latents.reshape(-1, model.config.latents_per_step * model.config.latent_dim)
        return PromptSteps(history, durations, len(self.read.encode()))

    def save(self, path: Path | str) -> Path:
        """Write it, whole or not at all.

        Raises:
            lewm_core.files.WriteError: the file cannot be written.
        """
        from safetensors.numpy import save

        header = {
            "format_version": FORMAT_VERSION, "checkpoint_sha256": self.checkpoint_sha256, "text": self.text,
            "read": self.read, "language": self.language, "clip": self.clip, "seconds": self.seconds,
        }  # fmt: skip
        tensors: dict[str, np.ndarray] = {
            "latents": np.ascontiguousarray(self.latents, dtype=np.float32),
            "durations": np.ascontiguousarray(self.durations, dtype=np.int64),
        }
        return write_atomically(path, save(tensors, {HEADER_KEY: json.dumps(header, ensure_ascii=False)}))


def is_prompt_file(path: Path | str) -> bool:
    """Whether a safetensors file says that it is a voice prompt; looks at its first bytes only."""
    try:
        return HEADER_KEY in _metadata(Path(path))
    except PromptError:
        return False


def load_prompt(path: Path | str, info: CheckpointInfo) -> VoicePrompt:
    """Read a prompt that ``save`` wrote for the checkpoint of ``info``.

    Raises:
        PromptError: it is missing, damaged, of another version or of another checkpoint.
    """
    path = Path(path)
    header = _header(path)
    prompt = _parsed(path, header)
    check_owner(prompt, info, path.name)
    problem = _misfit(prompt, info)
    if problem:
        raise PromptError(
            f"{path.name} is damaged: {problem}. Make it again from its clip with `lewm prompt`."
        )
    return prompt


def check_owner(prompt: VoicePrompt, info: CheckpointInfo, name: str = "The voice prompt") -> None:
    """Make sure that a prompt belongs to the checkpoint of ``info``; latents mean nothing to another.

    Raises:
        PromptError: it does not.
    """
    if prompt.checkpoint_sha256 != info.sha256:
        raise PromptError(
            f"{name} was made for another checkpoint ({prompt.checkpoint_sha256}, not {info.sha256} of "
            f"{info.path.name}). Make it again from its clip with `lewm prompt`."
        )


def prepare_prompt(
    synthesiser: Synthesiser, clip: Path | str | np.ndarray, text: str, language: str | None = None
) -> VoicePrompt:
    """Encode a clip and its words once.

    Up to a step's worth of the clip's beginning is left out, so that it fills whole steps.

    Args:
        clip: a sound file, or mono samples at the checkpoint's rate in [-1, 1].
        text: the words spoken in it.
        language: how to read them; by default that of the first speaker whose script the text is written in.

    Raises:
        AudioError: the clip cannot be used.  TextError: the text is unusable.
        PromptError: the clip is too short or too long, or the text does not fit it.
    """
    import torch

    from lewm_core.mel import load_audio, log_mel
    from lewm_core.model.text_batch import TextBatch
    from lewm_core.text import normalise

    model, info = synthesiser.model, synthesiser.info
    wave = clip if isinstance(clip, np.ndarray) else load_audio(clip, info.mel.sample_rate)
    seconds = len(wave) / info.mel.sample_rate
    if not SHORTEST_SECONDS <= seconds <= LONGEST_SECONDS:
        raise PromptError(
            f"A voice prompt lasts {SHORTEST_SECONDS:g} to {LONGEST_SECONDS:g} s; this clip lasts {seconds:.1f} s. "
            "3 to 10 s serve best."
        )
    language = language or fitting_language(text, synthesiser)
    words = normalise(text, language)
    read = synthesiser.reading(words, language)
    mel = log_mel(wave, info.mel)
    unit = model.config.downsample_factor * model.config.latents_per_step
    batch = torch.from_numpy(np.ascontiguousarray(mel[:, mel.shape[1] % unit :]))[None]
    with torch.inference_mode():
        latents = model.encode(batch)[0].numpy()
        durations = np.zeros(0, dtype=np.int64)
        if model.aligner is not None:
            try:
                durations = model.align(TextBatch.of([read]), batch)[0].numpy()
            except ValueError as error:
                raise PromptError(
                    f"The text does not fit the clip: {error}. Correct the transcript."
                ) from error
    return VoicePrompt(
        latents=latents, durations=durations, text=words, read=read, language=language,
        clip="" if isinstance(clip, np.ndarray) else Path(clip).name,
        seconds=len(latents) * model.config.downsample_factor / info.mel.frame_rate,
        checkpoint_sha256=info.sha256,
    )  # fmt: skip


def fitting_language(text: str, synthesiser: Synthesiser) -> str:
    """The language of the first speaker whose script ``text`` is written in."""
    from lewm_core.text_characters import is_devanagari

    is_hindi = any(map(is_devanagari, text))
    for speaker in synthesiser.info.speakers:
        if (speaker.language == "hi") == is_hindi:
            return speaker.language
    return synthesiser.info.speakers[0].language


def joined(prompt: VoicePrompt | None, read: str) -> str:
    """The text of a run: the prompt's words, then its own."""
    return read if prompt is None else f"{prompt.read} {read}"


def _metadata(path: Path) -> dict[str, Any]:
    """The metadata of a safetensors file, read without its tensors."""
    try:
        with path.open("rb") as file:
            size = int.from_bytes(file.read(8), "little")
            if not 2 <= size <= _HEADER_LIMIT:
                raise PromptError(f"{path.name} is not a voice prompt. Make one with `lewm prompt`.")
            index = json.loads(file.read(size))
    except OSError as error:
        raise PromptError(f"{path.name} cannot be read: {error.strerror or error}.") from None
    except (ValueError, RecursionError) as error:
        if isinstance(error, PromptError):
            raise
        raise PromptError(f"{path.name} is not a voice prompt. Make one with `lewm prompt`.") from None
    metadata = index.get("__metadata__") if isinstance(index, dict) else None
    return metadata if isinstance(metadata, dict) else {}


def _header(path: Path) -> dict[str, Any]:
    text = _metadata(path).get(HEADER_KEY)
    if text is None:
        raise PromptError(f"{path.name} holds no voice prompt. Make one with `lewm prompt`.")
    try:
        header = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        header = None
    if not isinstance(header, dict):
        raise PromptError(f"The header of {path.name} is damaged. Make it again with `lewm prompt`.")
    if header.get("format_version") != FORMAT_VERSION:
        raise PromptError(
            f"{path.name} has format version {header.get('format_version')!r}; this program reads version "
            f"{FORMAT_VERSION}. Make it again with `lewm prompt`."
        )
    return header


def _parsed(path: Path, header: dict[str, Any]) -> VoicePrompt:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    seconds = header.get("seconds")
    try:
        if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not np.isfinite(seconds):
            raise ValueError("its length is no number")
        tensors = load_file(path)
        return VoicePrompt(
            latents=tensors["latents"], durations=tensors["durations"], text=_text(header, "text"),
            read=_text(header, "read"), language=_text(header, "language"), clip=_text(header, "clip"),
            seconds=float(seconds), checkpoint_sha256=_text(header, "checkpoint_sha256"),
        )  # fmt: skip
    except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
        raise PromptError(
            f"{path.name} is damaged ({error}). Make it again from its clip with `lewm prompt`."
        ) from None


def _text(header: dict[str, Any], name: str) -> str:
    value = header.get(name)
    if not isinstance(value, str) or len(value) > _TEXT_LIMIT:
        raise ValueError(f"{name} is no text")
    return value


def _misfit(prompt: VoicePrompt, info: CheckpointInfo) -> str:
    """Why the parts of a prompt do not fit each other or the model; "" where they do."""
    from lewm_core.text_units import unit_of_byte

    config, latents, durations = info.config, prompt.latents, prompt.durations
    if latents.ndim != 2 or latents.shape[1] != config.latent_dim or latents.dtype != np.float32:
        return f"its latents have shape {latents.shape}"
    longest = LONGEST_SECONDS * info.mel.frame_rate / config.downsample_factor + 1
    if not 0 < len(latents) <= longest or len(latents) % config.latents_per_step:
        return f"it has {len(latents)} latents"
    if not np.isfinite(latents).all():
        return "its latents are not finite"
    if not prompt.read:
        return "it has no words"
    if config.alignment != "durations":
        return "" if durations.size == 0 else "it has durations, which this model does not use"
    units = unit_of_byte(prompt.read)[-1] + 1
    if durations.shape != (units,) or durations.dtype != np.int64 or durations.min() < 0:
        return f"{units} units of text have durations of shape {durations.shape}"
    return "" if int(durations.sum()) == len(latents) else "durations and latents differ in length"
