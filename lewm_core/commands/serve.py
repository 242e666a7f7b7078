"""Speak over HTTP for other programs, with the interface of OpenAI's /v1/audio/speech (docs/serve.md).

lewm serve
lewm serve --port 9000 --checkpoint my-voice.safetensors

Listens on this computer alone unless --host says otherwise. With LEWM_API_KEY in the environment, clients have to
send it. Ctrl+C ends it when what is being spoken has been said.
"""

from __future__ import annotations

import argparse
import ipaddress
import os
import signal
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from lewm_core.commands._shared import InputError, load_synthesiser, positive

if TYPE_CHECKING:
    from starlette.applications import Starlette

HELP = "speak over HTTP for other programs"
DEFAULT_PORT = 8790
LAST_WORDS = 10
"""Seconds that speech under way may go on after the server was told to end."""
KEY_VARIABLE = "LEWM_API_KEY"
NOT_INSTALLED = (
    "The HTTP libraries are not installed. Install them with: pip install 'lewm-studio[serve]' "
    "(from a checkout: pip install -e '.[serve]')"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--host", default="127.0.0.1", metavar="ADDRESS", help="where to listen (default: this computer alone)"
    )
    parser.add_argument(
        "--port", type=_port, default=DEFAULT_PORT, metavar="N", help=f"0 takes a free one (default {DEFAULT_PORT})"
    )
    parser.add_argument("--checkpoint", type=Path, metavar="FILE", help="default: the embedded voice")
    parser.add_argument("--vocoder", metavar="NAME|PATH", help="default: the checkpoint's")
    parser.add_argument(
        "--at-once", type=positive, default=8, metavar="N", help="requests spoken at the same time (default 8)"
    )
    parser.add_argument(
        "--queue", type=_count, default=16, metavar="N", help="requests that may wait besides (default 16)"
    )
    parser.add_argument(
        "--max-characters", type=positive, default=4096, metavar="N", help="longest input (default 4096)"
    )
    parser.add_argument(
        "--threads", type=positive, metavar="N", help="processor threads (default: as torch decides)"
    )


def run(arguments: argparse.Namespace) -> int:
    try:
        import starlette  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise InputError(NOT_INSTALLED) from error
    listening = _listen(arguments.host, arguments.port)
    with listening:
        key = os.environ.get(KEY_VARIABLE, "").strip()
        is_local = is_loopback(listening.getsockname()[0])
        if not is_local:
            print(f"lewm: WARNING: {_warning(arguments.host, bool(key))}", file=sys.stderr)
        voice = load_synthesiser(arguments)
        voice.warm_up()

        from lewm_core.server import LOOPBACK, ServerOptions, build_application
        from lewm_core.speech_service import SpeechService

        hosts = LOOPBACK if is_local else None
        service = SpeechService(voice, arguments.at_once, arguments.queue)
        options = ServerOptions(arguments.max_characters, key, hosts)
        print(f"lewm: listening on {_address(listening)}/v1 (Ctrl+C ends)", file=sys.stderr, flush=True)
        try:
            serve(build_application(service, options), listening)
        finally:
            service.close()
    print("lewm: ended", file=sys.stderr)
    return 0


def serve(application: Starlette, listening: socket.socket) -> None:
    """Answer requests until Ctrl+C or SIGTERM."""
    import uvicorn

    config = uvicorn.Config(
        application, log_level="warning", timeout_graceful_shutdown=LAST_WORDS, server_header=False, lifespan="off"
    )
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)  # uvicorn raises it again at the end
    try:
        uvicorn.Server(config).run(sockets=[listening])
    except KeyboardInterrupt:
        pass  # how a server is ended
    finally:
        signal.signal(signal.SIGTERM, before)


def is_loopback(address: str) -> bool:
    """Whether only programs on this computer can reach an address."""
    return ipaddress.ip_address(address.partition("%")[0]).is_loopback


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        return socket.create_server(address[:2], family=family, backlog=64)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"Cannot listen on {host}, port {port}: {reason}. Choose another --host or --port.") from error


def _address(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _warning(host: str, has_key: bool) -> str:
    secured = "clients need the API key" if has_key else f"set {KEY_VARIABLE} so that they need a key"
    return (
        f"other computers can reach {host}, and what is sent is not encrypted; {secured}, and put a proxy with TLS "
        "before it."
    )


def _port(text: str) -> int:
    value = int(text)
    if not 0 <= value <= 65535:
        raise argparse.ArgumentTypeError("a port lies between 0 and 65535")
    return value


def _count(text: str) -> int:
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError("a whole number from 0 on is needed")
    return value
