"""A small HTTP service that speaks, with the interface of OpenAI's ``/v1/audio/speech``.

    service = SpeechService(voice)
    application = build_application(service, ServerOptions())      # an ASGI application

Needs Starlette (the extra "serve"); ``lewm serve`` runs it with uvicorn. Described in docs/serve.md.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from lewm_core.audio_encoding import AudioEncoder, available_formats
from lewm_core.inference import SynthesisRequest
from lewm_core.speech_request import RequestError, Wanted, read_request
from lewm_core.speech_service import BusyError, Event, Failed, Finished, Piece, Speech, SpeechService

logger = logging.getLogger(__name__)
MODEL = "lewm"
DEFAULT_MAX_CHARACTERS = 4096
BYTES_FOR_THE_REST = 16_384
"""Largest body beyond six bytes a character (the longest escape in JSON)."""
RETRY_AFTER = 2
"""Seconds after which a client that found the queue full may ask again."""
LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class ServerOptions:
    """What the service allows.

    Attributes:
        max_characters: of one input.
        api_key: what clients have to send as bearer token; "" asks for none.
        hosts: names under which clients may ask for the server; None allows all. Guards a server on the loopback
            interface against web pages that give their own name its address.
    """

    max_characters: int = DEFAULT_MAX_CHARACTERS
    api_key: str = ""
    hosts: tuple[str, ...] | None = LOOPBACK


Answer = Callable[[Request], Awaitable[Response]]


def build_application(service: SpeechService, options: ServerOptions) -> Starlette:
    """The ASGI application over a running service."""
    speaking = _Endpoints(service, options)
    routes = [
        Route("/v1/audio/speech", speaking.speech, methods=["POST"]),
        Route("/v1/models", speaking.models),
        Route("/v1/models/{model}", speaking.model),
        Route("/v1/voices", speaking.voices),
        Route("/v1/audio/voices", speaking.voices),
        Route("/health", speaking.health),
    ]
    guards = []
    if options.hosts is not None:
        guards.append(Middleware(TrustedHostMiddleware, allowed_hosts=list(options.hosts), www_redirect=False))
    return Starlette(
        routes=routes,
        middleware=guards,
        exception_handlers={RequestError: _refused, HTTPException: _not_here, Exception: _failed},
    )


class _Endpoints:
    """What each address answers."""

    def __init__(self, service: SpeechService, options: ServerOptions) -> None:
        self._service, self._options = service, options
        self._formats = available_formats()
        info = service.voice.info
        self._models = tuple(dict.fromkeys((MODEL, info.path.stem)))
        self._created = int(info.path.stat().st_mtime) if info.path.exists() else 0

    async def speech(self, request: Request) -> Response:
        """POST /v1/audio/speech."""
        self._check_key(request)
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise RequestError("The Content-Type must be application/json.", None, "unsupported_media_type", 415)
        body = await self._body(request)
        wanted = read_request(body, self._models, self._options.max_characters, self._formats)
        listener = _Listener(request)
        try:
            listener.speech = self._service.submit(_synthesis(wanted), listener.post)
        except BusyError as error:
            listener.close()
            raise RequestError(str(error), None, "server_busy", 503) from error
        try:
            first = await listener.next()
        except BaseException:
            listener.close()
            raise
        if isinstance(first, Failed):
            listener.close()
            raise _as_refusal(first.error)
        encoder = AudioEncoder(wanted.format, self._service.voice.info.mel.sample_rate)
        return StreamingResponse(_encoded(first, listener, encoder), media_type=encoder.media_type)

    async def models(self, request: Request) -> Response:
        """GET /v1/models."""
        self._check_key(request)
        return JSONResponse({"object": "list", "data": [self._described(name) for name in self._models]})

    async def model(self, request: Request) -> Response:
        """GET /v1/models/NAME."""
        self._check_key(request)
        name = request.path_params["model"]
        if name not in self._models:
            raise RequestError(f"The model {name!r} does not exist.", "model", "model_not_found", 404)
        return JSONResponse(self._described(name))

    async def voices(self, request: Request) -> Response:
        """GET /v1/voices."""
        self._check_key(request)
        speakers = self._service.voice.info.speakers
        data = [{"id": who.name, "object": "voice", "name": who.name, "language": who.language} for who in speakers]
        return JSONResponse({"object": "list", "data": data, "voices": [who.name for who in speakers]})

    async def health(self, _request: Request) -> Response:
        """GET /health."""
        speaking, waiting = self._service.load
        return JSONResponse({"status": "ok", "speaking": speaking, "waiting": waiting})

    def _described(self, name: str) -> dict[str, object]:
        return {"id": name, "object": "model", "created": self._created, "owned_by": "lewm-studio"}

    def _check_key(self, request: Request) -> None:
        key = self._options.api_key
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if key and not (scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), key.encode())):
            raise RequestError(
                "A valid API key is needed, as 'Authorization: Bearer KEY'.", None, "invalid_api_key", 401
            )

    async def _body(self, request: Request) -> bytes:
        """The body, as long as it is no longer than any valid one."""
        limit, body = 6 * self._options.max_characters + BYTES_FOR_THE_REST, bytearray()
        async for part in request.stream():
            body += part
            if len(body) > limit:
                raise RequestError(f"The body is longer than {limit} bytes.", None, "body_too_large", 413)
        return bytes(body)


class _Listener:
    """Carries events from the thread of the service to one client, and notices when the client goes away."""

    def __init__(self, request: Request) -> None:
        self.speech: Speech | None = None
        self._loop = asyncio.get_running_loop()
        self._events: asyncio.Queue[Event] = asyncio.Queue()
        self._gone = asyncio.ensure_future(_disconnected(request))

    def post(self, event: Event) -> None:
        """Hand an event over (the thread of the service)."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._events.put_nowait, event)

    async def next(self) -> Event:
        """The next event; a client that went away has cancelled its speech."""
        event = asyncio.ensure_future(self._events.get())
        try:
            await asyncio.wait({event, self._gone}, return_when=asyncio.FIRST_COMPLETED)
            return event.result() if event.done() else Finished("cancelled")
        finally:
            event.cancel()

    def close(self) -> None:
        """Nobody listens any more."""
        self._gone.cancel()
        if self.speech is not None:
            self.speech.cancel()


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _encoded(event: Event, listener: _Listener, encoder: AudioEncoder) -> AsyncIterator[bytes]:
    """The speech as bytes; whoever stops asking for them cancels it."""
    try:
        while isinstance(event, Piece):
            if data := encoder.add(event.wave):
                yield data
            event = await listener.next()
        if isinstance(event, Failed):
            logger.error("speech broke off: %s", event.error)
            raise event.error  # the connection is closed without an end, so that the client notices
        if data := encoder.finish():
            yield data
    finally:
        listener.close()


def _synthesis(wanted: Wanted) -> SynthesisRequest:
    return SynthesisRequest(
        text=wanted.text,
        speaker=wanted.voice,
        seed=wanted.seed,
        temperature=wanted.temperature,
        speed=wanted.speed,
    )


def _as_refusal(error: Exception) -> RequestError:
    """Errors of the voice about a request are the client's to cure; any other is ours."""
    if isinstance(error, ValueError) and type(error).__module__.startswith("lewm_core"):
        param = {"UnknownSpeakerError": "voice", "BlendError": "voice", "TextError": "input", "SamplingError": "speed"}
        return RequestError(str(error), param.get(type(error).__name__))
    return RequestError("Speaking failed; the log of the server says why.", None, "internal_error", 500)


async def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestError)
    headers = {401: {"WWW-Authenticate": "Bearer"}, 503: {"Retry-After": str(RETRY_AFTER)}}.get(error.status)
    return JSONResponse(error.to_json(), error.status, headers)


async def _not_here(_request: Request, error: Exception) -> Response:
    """Unknown addresses and methods."""
    assert isinstance(error, HTTPException)
    known = "POST /v1/audio/speech, GET /v1/models, GET /v1/voices"
    refusal = RequestError(f"{error.detail}; this server has {known}.", None, "not_found", error.status_code)
    return JSONResponse(refusal.to_json(), error.status_code, error.headers)


async def _failed(_request: Request, _error: Exception) -> Response:
    refusal = RequestError("The server failed; its log says why.", None, "internal_error", 500)
    return JSONResponse(refusal.to_json(), 500)
