"""A request for speech over HTTP: its JSON read and checked, errors in the form that OpenAI's clients read."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lewm_core.config import DEFAULT_TEMPERATURE, FASTEST, SLOWEST

FORMATS = ("wav", "pcm", "flac", "opus", "mp3")
DEFAULT_FORMAT = "mp3"
"""What OpenAI's interface answers with when a request names no format."""
LARGEST_SEED = 2**63 - 1
KNOWN = ("model", "input", "voice", "response_format", "speed", "stream_format", "seed", "temperature")
IGNORED = ("instructions",)
"""Fields of OpenAI's interface that this voice has no use for."""


class RequestError(ValueError):
    """A request that is refused; ``status`` is the HTTP status, ``param`` the field at fault."""

    def __init__(
        self, message: str, param: str | None = None, code: str = "invalid_value", status: int = 400
    ) -> None:
        super().__init__(message)
        self.param, self.code, self.status = param, code, status

    def to_json(self) -> dict[str, Any]:
        """The body of the answer."""
        kind = {401: "authentication_error", 429: "rate_limit_error", 500: "server_error", 503: "server_error"}
        return {
            "error": {
                "message": str(self),
                "type": kind.get(self.status, "invalid_request_error"),
                "param": self.param,
                "code": self.code,
            }
        }


@dataclass(frozen=True)
class Wanted:
    """What a request asks for."""

    text: str
    voice: str
    format: str
    speed: float
    seed: int
    temperature: float


def read_request(body: bytes, models: Sequence[str], max_characters: int, formats: Sequence[str]) -> Wanted:
    """Read the body of ``POST /v1/audio/speech``.

    Args:
        models: names that this server answers to.  formats: of ``FORMATS``, those that can be written here.

    Raises:
        RequestError: it cannot be used; says which field and why.
    """
    fields = _object(body)
    unknown = sorted(set(fields) - {*KNOWN, *IGNORED})
    if unknown:
        raise RequestError(f"Unknown field {unknown[0]!r}.", unknown[0], "unknown_parameter")
    model = _text(fields, "model")
    if model not in models:
        raise RequestError(
            f"The model {model!r} does not exist; this server has {', '.join(models)}.", "model",
            "model_not_found", 404,
        )  # fmt: skip
    text = _text(fields, "input")
    if len(text) > max_characters:
        raise RequestError(
            f"The input has {len(text)} characters; at most {max_characters} are allowed.", "input",
            "string_above_max_length",
        )  # fmt: skip
    format_ = fields.get("response_format", DEFAULT_FORMAT)
    if format_ not in formats:
        raise RequestError(
            f"The format {format_!r} is not one of {', '.join(formats)}.", "response_format"
        )
    if fields.get("stream_format", "audio") != "audio":
        raise RequestError("Only the stream_format 'audio' is available.", "stream_format")
    return Wanted(
        text=text,
        voice=_voice(fields),
        format=str(format_),
        speed=_number(fields, "speed", 1.0, SLOWEST, FASTEST),
        seed=_seed(fields),
        temperature=_number(fields, "temperature", DEFAULT_TEMPERATURE, 0.0, 2.0),
    )


def _object(body: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise RequestError(f"The body is not JSON in UTF-8: {error}.", code="invalid_json") from error
    if not isinstance(fields, dict):
        raise RequestError("The body must be a JSON object.", code="invalid_json")
    return fields


def _text(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value.strip():
        code = "missing_required_parameter" if value is None else "invalid_type"
        raise RequestError(f"{name!r} must be a text that is not empty.", name, code)
    return value


def _voice(fields: dict[str, Any]) -> str:
    voice = fields.get("voice")
    if isinstance(voice, dict):  # the newer form of OpenAI's interface
        voice = voice.get("id")
    return _text({"voice": voice}, "voice")


def _number(fields: dict[str, Any], name: str, default: float, low: float, high: float) -> float:
    value = fields.get(name, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise RequestError(f"{name!r} must be a number.", name, "invalid_type")
    if not low <= value <= high:
        raise RequestError(f"{name!r} must lie between {low:g} and {high:g}.", name)
    return float(value)


def _seed(fields: dict[str, Any]) -> int:
    value = fields.get("seed", 0)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LARGEST_SEED:
        raise RequestError(f"'seed' must be a whole number between 0 and {LARGEST_SEED}.", "seed")
    return value
