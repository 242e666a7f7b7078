"""A voice as a folder of ONNX graphs, for ONNX Runtime on any machine and in any language.

    voice.safetensors   statistics of the latents; the JSON header ``lewm_export`` says what the graphs are
    text.onnx, plan.onnx, step.onnx, decoder.onnx, vocoder.onnx

docs/engine.md tells the inputs and outputs of each. ``Synthesiser.load(FOLDER)`` speaks with it, without torch and
without the package onnx.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lewm_core.checkpoint import CheckpointError, CheckpointInfo, load_arrays
from lewm_core.config import ConfigError, MelConfig, ModelConfig, Speaker, from_dict, to_dict
from lewm_core.files import write_atomically
from lewm_core.graph_vocoder import GraphVocoder
from lewm_core.graph_voice import DEFAULT_PRECISION, STATISTICS, GraphVoice, VoiceGraphs, voice_graphs
from lewm_core.graphs.builder import FlowRows
from lewm_core.vocoder import load_graph, load_vocoder
from lewm_core.vocoder_config import VocosConfig

if TYPE_CHECKING:
    from lewm_core.inference import Synthesiser

FORMAT_VERSION = 1
HEADER_KEY = "lewm_export"
INDEX = "voice.safetensors"


def export_voice(
    checkpoint: Path | str, folder: Path | str, vocoder: str | None = None, precision: str = DEFAULT_PRECISION
) -> list[Path]:
    """Write a checkpoint and its vocoder as graphs; returns the files.

    Args:
        vocoder: name or folder of a Vocos with a ConvNeXt backbone; by default the one the checkpoint names.
        precision: of the predictor's linear layers, "int8" or "float32".

    Raises:
        CheckpointError, VocoderError: with a sentence that says what is wrong.
        lewm_core.files.WriteError: a file cannot be written.
    """
    from safetensors.numpy import save

    arrays, info = load_arrays(checkpoint)
    graphs = voice_graphs(info.config, arrays, precision)
    config, (sound, sound_flow) = load_graph(vocoder or info.vocoder, info.mel)
    header = {
        "format_version": FORMAT_VERSION,
        "precision": precision,
        "checkpoint": {**info.as_json(), "path": info.path.name},
        "speakers": [to_dict(speaker) for speaker in info.speakers],
        "vocoder": {**asdict(config), "name": vocoder or info.vocoder},
        "flows": {"decoder": asdict(FlowRows(graphs.flow.states, graphs.flow.tails)),
                  "vocoder": asdict(FlowRows(sound_flow.states, sound_flow.tails))},
    }  # fmt: skip
    statistics = {name: np.ascontiguousarray(arrays[name], dtype=np.float32) for name in STATISTICS}
    files = {
        "text.onnx": graphs.text, "step.onnx": graphs.step, "decoder.onnx": graphs.decoder, "vocoder.onnx": sound,
        INDEX: save(statistics, {HEADER_KEY: json.dumps(header, ensure_ascii=False)}),
    }  # fmt: skip
    if graphs.plan:
        files["plan.onnx"] = graphs.plan
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    return [write_atomically(folder / name, data) for name, data in files.items()]


def is_exported(folder: Path | str) -> bool:
    """Whether this is a folder that ``export_voice`` wrote."""
    return (Path(folder) / INDEX).is_file()


def load_exported(folder: Path | str, vocoder: str | None = None, threads: int = 1) -> Synthesiser:
    """Open an exported voice.

    Args:
        vocoder: another one than that which was exported.

    Raises:
        CheckpointError: the folder is damaged, or of another version.
    """
    from lewm_core.inference import Synthesiser

    folder = Path(folder)
    try:
        statistics, header = _read_index(folder / INDEX)
        info = _info(folder, header["checkpoint"])
        flows = {name: _flow(header["flows"][name]) for name in ("decoder", "vocoder")}
        plan = (folder / "plan.onnx").read_bytes() if info.config.alignment == "durations" else b""
        text, step, decoder = ((folder / f"{name}.onnx").read_bytes() for name in ("text", "step", "decoder"))
        graphs = VoiceGraphs(text, plan, step, decoder, flows["decoder"])
        voice = GraphVoice(info.config, statistics, str(header["precision"]), threads, graphs)
        if vocoder is not None:
            return Synthesiser(None, info, load_vocoder(vocoder, info.mel, threads), voice)
        named = dict(header["vocoder"])
        name = str(named.pop("name"))
        config = VocosConfig(**{**named, "features": from_dict(MelConfig, named["features"])})
        sound = (folder / "vocoder.onnx").read_bytes(), flows["vocoder"]
        return Synthesiser(None, info, GraphVocoder(name, config, info.mel, sound, threads), voice)
    except CheckpointError:
        raise
    # ONNX Runtime's errors are of classes of its own, one a kind of failure.
    except Exception as error:
        raise CheckpointError(
            f"{folder} is damaged ({type(error).__name__}: {error}). Make it again with `lewm export`."
        ) from error


def _read_index(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    from safetensors import safe_open

    with safe_open(path, framework="np") as file:
        header = json.loads((file.metadata() or {})[HEADER_KEY])
        arrays = {name: file.get_tensor(name) for name in STATISTICS}
    if header["format_version"] != FORMAT_VERSION:
        raise CheckpointError(
            f"{path.parent} has format version {header['format_version']!r}; this program reads version "
            f"{FORMAT_VERSION}. Make it again with `lewm export`."
        )
    return arrays, header


def _info(folder: Path, facts: dict[str, Any]) -> CheckpointInfo:
    try:
        config, mel = from_dict(ModelConfig, facts["model"]), from_dict(MelConfig, facts["mel"])
    except ConfigError as error:
        raise CheckpointError(f"{folder / INDEX} is wrong: {error}.") from None
    return CheckpointInfo(
        path=folder.resolve(), format_version=facts["format_version"], preset=facts["preset"],
        parameters=facts["parameters"], file_size=facts["file_size"], sha256=facts["sha256"], config=config, mel=mel,
        speakers=tuple(from_dict(Speaker, item) for item in facts["speakers"]), step=facts["step"],
        losses=facts["losses"], vocoder=facts["vocoder"], description=facts["description"],
    )  # fmt: skip


def _flow(data: dict[str, Any]) -> FlowRows:
    return FlowRows(*([(str(n), int(r), int(c)) for n, r, c in data[key]] for key in ("states", "tails")))
