"""`lewm serve`: a real server on a free port, asked as its clients do."""

from __future__ import annotations

import http.client
import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
import uvicorn

from lewm_core.audio_encoding import AudioEncoder, available_formats, to_pcm
from lewm_core.commands.serve import is_loopback
from lewm_core.inference import Synthesiser, SynthesisRequest, finish
from lewm_core.server import ServerOptions, build_application
from lewm_core.speech_request import RequestError, read_request
from lewm_core.speech_service import BusyError, Failed, Finished, Piece, SpeechService
from tests.lewm_core.test_vocoder import write_vocos
from tests.lewm_core.tiny import tiny_checkpoint

PATIENCE = 60.0
"""Seconds: a watchdog."""


@pytest.fixture(scope="module")
def voice(tmp_path_factory: pytest.TempPathFactory) -> Synthesiser:
    folder = tmp_path_factory.mktemp("voice")
    tiny_checkpoint(folder / "tiny.safetensors")
    voice = Synthesiser.load(folder / "tiny.safetensors", str(write_vocos(folder / "vocos")))
    with torch.no_grad():
        voice.model.duration.project_out.bias.fill_(1.6)  # type: ignore[union-attr]
        voice.model.predictor.stop.bias.fill_(-20.0)
    return Synthesiser(voice.model, voice.info, voice.vocoder)  # its graphs are made of the changed model


@contextmanager
def served(
    voice: Synthesiser, options: ServerOptions | None = None, **limits: int
) -> Iterator[tuple[int, SpeechService]]:
    """A running server; gives its port and its service."""
    service = SpeechService(voice, **limits)
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        build_application(service, options or ServerOptions()), log_level="critical", lifespan="off",
        timeout_graceful_shutdown=5,
    )  # fmt: skip
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        yield listening.getsockname()[1], service
    finally:
        server.should_exit = True
        thread.join(PATIENCE)
        service.close()
        listening.close()
        assert not thread.is_alive()


@pytest.fixture(scope="module")
def port(voice: Synthesiser) -> Iterator[int]:
    with served(voice) as (port, _service):
        yield port


def ask(
    port: int, method: str, path: str, body: object = None, headers: dict[str, str] | None = None
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    connection.request(method, path, data, {"Content-Type": "application/json", **(headers or {})})
    answer = connection.getresponse()
    try:
        return answer.status, {key.lower(): value for key, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def speak(port: int, text: str = "Hello there.", **fields: object) -> tuple[int, dict[str, str], bytes]:
    body = {"model": "lewm", "input": text, "voice": "ada", "response_format": "pcm", **fields}
    return ask(port, "POST", "/v1/audio/speech", body)


def offline(voice: Synthesiser, text: str, **fields: object) -> np.ndarray:
    wave: np.ndarray = finish(voice.synthesise(SynthesisRequest(text, "ada", **fields))).wave  # type: ignore[arg-type]
    return wave


def samples(pcm: bytes) -> np.ndarray:
    return np.frombuffer(pcm, "<i2") / 32767


def test_the_speech_is_that_of_the_command_line(voice: Synthesiser, port: int) -> None:
    status, headers, body = speak(port, "Hello there. And good bye.", seed=3, temperature=0.5, speed=1.5)
    assert status == 200
    assert headers["content-type"] == "audio/pcm"
    assert headers["transfer-encoding"] == "chunked"
    wave = offline(voice, "Hello there. And good bye.", seed=3, temperature=0.5, speed=1.5)
    np.testing.assert_allclose(samples(body), wave, atol=1.5 / 32767 + 1e-4)


@pytest.mark.parametrize("name", available_formats())
def test_every_format_can_be_read(voice: Synthesiser, port: int, name: str) -> None:
    status, headers, body = speak(port, response_format=name)
    assert status == 200
    assert headers["content-type"].startswith("audio/")
    wave = offline(voice, "Hello there.")
    if name == "pcm":
        heard, rate = samples(body), 24_000
    elif name == "wav":  # of unknown length, as every stream
        assert body[:4] == b"RIFF"
        heard, rate = samples(body[44:]), int.from_bytes(body[24:28], "little")
    else:
        heard, rate = soundfile.read(io.BytesIO(body))
    assert rate == 24_000
    if name in ("mp3", "opus"):
        assert abs(len(heard) - len(wave)) < 0.1 * rate
    else:
        np.testing.assert_allclose(heard, wave, atol=2e-4)


def test_ffmpeg_like_readers_take_the_wav_of_unknown_length(port: int) -> None:
    _, _, body = speak(port, response_format="wav")
    assert len(soundfile.read(io.BytesIO(body))[0]) == (len(body) - 44) // 2


def test_speech_begins_before_it_is_made(voice: Synthesiser, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first bytes are read while the engine stands still before its end."""
    go_on = threading.Event()
    with served(voice) as (port, service):
        step, count = service._engine.step, [0]

        def slow_step() -> object:
            count[0] += 1
            if count[0] == 14:
                assert go_on.wait(PATIENCE)
            return step()

        monkeypatch.setattr(service._engine, "step", slow_step)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        text = "A long sentence, which is not at its end after a few steps of the engine at all."
        body = {"model": "lewm", "input": text, "voice": "ada", "response_format": "pcm", "speed": 0.5}
        connection.request("POST", "/v1/audio/speech", json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        first = answer.read(1000)
        assert len(first) == 1000
        assert not go_on.is_set()
        go_on.set()
        whole = first + answer.read()
        connection.close()
    np.testing.assert_allclose(samples(whole), offline(voice, text, speed=0.5), atol=2e-4)


def test_two_at_once_say_what_each_says_alone(voice: Synthesiser) -> None:
    texts = ["Hello there.", "Good bye, all of you who listen.", "Yes.", "A third, longer sentence. And more."]
    alone = [to_pcm(offline(voice, text)) for text in texts]
    bodies: dict[int, bytes] = {}
    most = [0]
    with served(voice) as (port, service):
        step = service._engine.step

        def counted() -> object:
            most[0] = max(most[0], len(service._engine.runs))
            return step()

        service._engine.step = counted  # type: ignore[method-assign]
        barrier = threading.Barrier(len(texts))

        def client(number: int) -> None:
            barrier.wait(PATIENCE)
            bodies[number] = speak(port, texts[number])[2]

        threads = [threading.Thread(target=client, args=(number,)) for number in range(len(texts))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
    for number, expected in enumerate(alone):
        np.testing.assert_allclose(samples(bodies[number]), samples(expected), atol=2e-4)
    assert most[0] >= 2, "they did not share a batch"


def test_a_client_that_goes_away_cancels_its_speech(voice: Synthesiser) -> None:
    with served(voice) as (port, service):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        body = {"model": "lewm", "input": "A sentence of many words. " * 150, "voice": "ada", "response_format": "pcm"}
        connection.request("POST", "/v1/audio/speech", json.dumps(body), {"Content-Type": "application/json"})
        connection.getresponse().read(1000)
        assert service.load == (1, 0)
        connection.sock.close() if connection.sock else None
        connection.close()
        deadline = time.monotonic() + PATIENCE
        while service.load != (0, 0):
            assert time.monotonic() < deadline, "it went on speaking to nobody"
            time.sleep(0.02)
        assert not service._engine.runs
        assert not service._steps
        assert speak(port, "Yes.")[0] == 200


def test_a_full_queue_is_told_with_a_time_to_come_back(voice: Synthesiser) -> None:
    go_on = threading.Event()
    with served(voice, at_once=1, waiting=1) as (port, service):
        step = service._engine.step

        def held() -> object:
            assert go_on.wait(PATIENCE)
            return step()

        service._engine.step = held  # type: ignore[method-assign]
        answers: list[int] = []
        clients = [threading.Thread(target=lambda: answers.append(speak(port, "Yes.")[0])) for _ in range(2)]
        for number, client in enumerate(clients):
            client.start()
            deadline = time.monotonic() + PATIENCE
            while sum(service.load) <= number:
                assert time.monotonic() < deadline
                time.sleep(0.01)
        status, headers, body = speak(port)
        assert status == 503
        assert int(headers["retry-after"]) > 0
        assert json.loads(body)["error"]["code"] == "server_busy"
        go_on.set()
        for client in clients:
            client.join(PATIENCE)
        assert answers == [200, 200]
        assert speak(port)[0] == 200


@pytest.mark.parametrize(
    ("fields", "status", "param"),
    [
        ({"input": "x" * 5000}, 400, "input"),
        ({"input": "   "}, 400, "input"),
        ({"input": "?!"}, 400, "input"),
        ({"input": 7}, 400, "input"),
        ({"voice": "alloy"}, 400, "voice"),
        ({"voice": None}, 400, "voice"),
        ({"voice": "ada:0.5+nobody:0.5"}, 400, "voice"),
        ({"model": "tts-1"}, 404, "model"),
        ({"response_format": "aac"}, 400, "response_format"),
        ({"stream_format": "sse"}, 400, "stream_format"),
        ({"speed": 3}, 400, "speed"),
        ({"speed": "fast"}, 400, "speed"),
        ({"speed": True}, 400, "speed"),
        ({"seed": -1}, 400, "seed"),
        ({"temperature": 9}, 400, "temperature"),
        ({"colour": "red"}, 400, "colour"),
    ],
)
def test_what_cannot_be_spoken_is_refused_in_the_form_of_openai(
    port: int, fields: dict[str, object], status: int, param: str
) -> None:
    body = {"model": "lewm", "input": "Hello.", "voice": "ada", **fields}
    got, headers, answer = ask(port, "POST", "/v1/audio/speech", body)
    error = json.loads(answer)["error"]
    assert (got, error["param"], error["type"]) == (status, param, "invalid_request_error")
    assert error["message"]
    assert headers["content-type"] == "application/json"


def test_odd_requests(port: int) -> None:
    assert ask(port, "POST", "/v1/audio/speech", b"{")[0] == 400
    assert ask(port, "POST", "/v1/audio/speech", b"[]")[0] == 400
    assert ask(port, "POST", "/v1/audio/speech", b"[" * 20_000)[0] == 400
    assert ask(port, "POST", "/v1/audio/speech", b"\xff\xfe\xfa")[0] == 400
    assert ask(port, "POST", "/v1/audio/speech", b" " * 200_000)[0] == 413
    assert ask(port, "POST", "/v1/audio/speech", b"{}", {"Content-Type": "text/plain"})[0] == 415
    assert ask(port, "GET", "/v1/audio/speech")[0] == 405
    status, _, body = ask(port, "GET", "/nothing")
    assert (status, json.loads(body)["error"]["code"]) == (404, "not_found")
    assert ask(port, "GET", "/health", headers={"Host": "evil.example"})[0] == 400, "any name was answered to"


def test_models_and_voices_are_listed(voice: Synthesiser, port: int) -> None:
    models = json.loads(ask(port, "GET", "/v1/models")[2])
    assert [model["id"] for model in models["data"]] == ["lewm", "tiny"]
    assert json.loads(ask(port, "GET", "/v1/models/tiny")[2])["id"] == "tiny"
    assert ask(port, "GET", "/v1/models/gpt")[0] == 404
    for path in ("/v1/voices", "/v1/audio/voices"):
        voices = json.loads(ask(port, "GET", path)[2])
        assert voices["voices"] == ["ada", "bina", "carl"]
        assert voices["data"][1]["language"] == "hi"
    assert json.loads(ask(port, "GET", "/health")[2])["status"] == "ok"
    assert speak(port, voice="ada:0.6+carl:0.4")[0] == 200
    assert speak(port, voice={"id": "carl"}, instructions="softly")[0] == 200


def test_a_key_is_asked_for_where_one_is_set(voice: Synthesiser) -> None:
    with served(voice, ServerOptions(api_key="secret")) as (port, _service):
        for path in ("/v1/models", "/v1/voices"):
            assert ask(port, "GET", path)[0] == 401
            assert ask(port, "GET", path, headers={"Authorization": "Bearer wrong"})[0] == 401
            assert ask(port, "GET", path, headers={"Authorization": "Bearer secret"})[0] == 200
        status, headers, body = speak(port)
        assert (status, json.loads(body)["error"]["code"]) == (401, "invalid_api_key")
        assert "bearer" in headers["www-authenticate"].lower()


def test_a_fault_is_the_servers_and_the_next_request_is_served(
    voice: Synthesiser, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fault(*_arguments: object, **_more: object) -> None:
        raise KeyError("a bug")

    sound = "begin" if hasattr(voice.vocoder, "begin") else "decode"
    for owner, name in ((voice, "speech"), (voice.voice.step, "run_with_iobinding"), (voice.vocoder, sound)):
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, fault)
            status, _, body = speak(port)
        assert status == 500
        assert json.loads(body)["error"]["type"] == "server_error"
        assert b"a bug" not in body
        assert speak(port)[0] == 200


# Parts


def test_the_service_ends_what_it_began(voice: Synthesiser) -> None:
    service = SpeechService(voice, at_once=1, waiting=4)
    events: list[object] = []
    speeches = [service.submit(SynthesisRequest("A sentence. " * 40, "ada"), events.append) for _ in range(3)]
    speeches[1].cancel()
    service.close(PATIENCE)
    assert not service._thread.is_alive()
    assert [event for event in events if not isinstance(event, Piece)] == [Finished("cancelled")] * 3
    with pytest.raises(BusyError):
        service.submit(SynthesisRequest("Yes.", "ada"), events.append)


def test_a_request_that_fails_leaves_the_others_alone(voice: Synthesiser) -> None:
    service = SpeechService(voice)
    ended: dict[str, list[object]] = {"good": [], "bad": []}
    done = threading.Semaphore(0)

    def post(name: str, event: object) -> None:
        ended[name].append(event)
        if not isinstance(event, Piece):
            done.release()

    service.submit(SynthesisRequest("Hello there, all of you.", "ada"), lambda event: post("good", event))
    service.submit(SynthesisRequest("Hello.", "nobody"), lambda event: post("bad", event))
    for _ in range(2):
        assert done.acquire(timeout=PATIENCE)
    service.close()
    assert isinstance(ended["bad"][-1], Failed)
    assert isinstance(ended["good"][-1], Finished)
    pieces = [event.wave for event in ended["good"] if isinstance(event, Piece)]
    np.testing.assert_allclose(np.concatenate(pieces), offline(voice, "Hello there, all of you."), atol=1e-4)


def test_pieces_encoded_one_by_one_are_the_whole() -> None:
    wave = (0.5 * np.sin(np.arange(50_000) / 9)).astype(np.float32)
    for name in ("wav", "pcm", "flac"):
        encoder = AudioEncoder(name, 24_000)
        data = b"".join([encoder.add(part) for part in np.array_split(wave, 7)]) + encoder.finish()
        heard = samples(data[44:] if name == "wav" else data) if name != "flac" else soundfile.read(io.BytesIO(data))[0]
        np.testing.assert_allclose(heard, wave, atol=1e-4)
    assert len(AudioEncoder("wav", 24_000).finish()) == 44


def test_what_may_be_left_out_has_the_values_of_openai() -> None:
    wanted = read_request(b'{"model":"m","input":"Hi","voice":"v"}', ["m"], 10, ["mp3", "wav"])
    assert (wanted.format, wanted.speed, wanted.seed) == ("mp3", 1.0, 0)
    with pytest.raises(RequestError, match="wav"):
        read_request(b'{"model":"m","input":"Hi","voice":"v"}', ["m"], 10, ["wav"])


def test_addresses_that_stay_on_this_computer() -> None:
    assert is_loopback("127.0.0.1")
    assert is_loopback("127.8.8.8")
    assert is_loopback("::1")
    assert not is_loopback("0.0.0.0")
    assert not is_loopback("192.168.1.5")
    assert not is_loopback("::")


def test_the_command_serves_warns_and_ends_when_told(tmp_path: Path) -> None:
    tiny_checkpoint(tmp_path / "tiny.safetensors")
    vocos = write_vocos(tmp_path / "vocos")
    command = [sys.executable, "-m", "lewm_core.cli", "serve", "--port", "0", "--host", "0.0.0.0",
               "--checkpoint", str(tmp_path / "tiny.safetensors"), "--vocoder", str(vocos)]  # fmt: skip
    environment = {**os.environ, "LEWM_API_KEY": "secret"}
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
    try:
        assert process.stderr is not None
        assert "WARNING: other computers can reach" in process.stderr.readline()
        line = process.stderr.readline()
        assert "listening on http://0.0.0.0:" in line
        port = int(line.split(":")[3].split("/")[0])
        assert ask(port, "GET", "/v1/models")[0] == 401
        assert ask(port, "GET", "/v1/models", headers={"Authorization": "Bearer secret"})[0] == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
    finally:
        process.kill()
        process.communicate()


def test_a_port_in_use_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    from lewm_core.cli import main

    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert main(["serve", "--port", str(taken.getsockname()[1])]) == 2
    assert "Choose another --host or --port" in capsys.readouterr().err
