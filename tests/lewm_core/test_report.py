"""The report: one page that holds everything, loads nothing, runs nothing, whatever the texts say."""

from __future__ import annotations

import base64
import io
import json
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from lewm_core.cli import main
from lewm_core.config import MelConfig
from lewm_core.inference import Comparison, Rendering
from lewm_core.mel import write_wav
from lewm_core.report import ReportError, ReportSettings, make_report, number, write_report
from lewm_core.report_parts import curve, frequency_ticks, gradient, mel_picture, sound, time_ticks
from tests.lewm_core.tiny import tiny_checkpoint

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg onload=alert(1)>",
    "{{ 7 * 7 }}{% raw %}",
    "{{ self.__init__.__globals__ }}",
    "</title></style></pre></main><iframe src=https://example.org>",
    "<!-- -->\u2028\x00\ufeff<a href=javascript:alert(1)>",
]


def speech(frames: int, seed: int = 0) -> np.ndarray:
    """(100, frames): bursts of drifting formants with a pause, natural log."""
    rng = np.random.default_rng(seed)
    bands, time = np.arange(100)[:, None], np.arange(frames)[None] / 30
    mel = 2.5 * np.cos(bands / 6 - 2 * np.sin(time * 1.7 + seed)) - 0.03 * bands - 1.0
    mel = mel + 0.1 * rng.normal(size=mel.shape)
    mel[:, frames // 2 : frames // 2 + 12] = -16.1
    return mel.astype(np.float32)


def comparison(
    text: str = "Hello there.", panes: tuple[str, ...] | None = None, **recipe: object
) -> Comparison:
    truth = speech(160)
    smooth = ((truth + np.roll(truth, 2, axis=0) + np.roll(truth, -2, axis=0)) / 3).astype(np.float32)
    wave = (0.1 * np.random.default_rng(0).normal(size=159 * 256)).astype(np.float32)
    made = {
        "ground_truth": Rendering(truth, wave),
        "reconstruction": Rendering(smooth, wave, 0.3),
        "teacher_forced": Rendering(smooth[:, ::-1].copy(), wave, 0.8),
        "autoregressive": Rendering(speech(180, 1), wave, 0.9),
    }
    kept = {name: made[name] for name in panes} if panes is not None else made
    return Comparison(text, "ada", wave, 24_000, kept, "stop_head", {"text": text, **recipe})


def page_of(source: Comparison, **changes: object) -> str:
    job = make_report(source, MelConfig(), ReportSettings(**changes))  # type: ignore[arg-type]
    while True:
        try:
            next(job)
        except StopIteration as end:
            page: str = end.value
            return page


class Elements(HTMLParser):
    """Tags with their attributes, and the text."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def page() -> str:
    return page_of(comparison(), clip_name="clip.wav", facts=[("Preset", "studio")], note="A note.")


def test_the_page_holds_pictures_players_numbers_and_recipe(page: str) -> None:
    elements = Elements(page)
    images = [attributes["src"] or "" for tag, attributes in elements.tags if tag == "img"]
    assert len(images) == 5  # four panes and the matched noise
    assert all(base64.b64decode(image.partition(",")[2])[:4] == b"\x89PNG" for image in images)
    players = [attributes["src"] or "" for tag, attributes in elements.tags if tag == "audio"]
    assert len(players) == 5  # recording, vocoded, three panes; nobody vocoded the noise
    assert all(base64.b64decode(player.partition(",")[2])[:4] == b"RIFF" for player in players)
    for part in ("Hello there.", "A note.", "clip.wav", "Preset", "structured", "random", "Free run"):
        assert part in elements.text
    assert '"text": "Hello there."' in elements.text


def test_nothing_is_loaded_and_nothing_is_run(page: str) -> None:
    elements = Elements(page)
    for tag, attributes in elements.tags:
        assert tag not in ("script", "iframe", "link", "object", "embed", "form", "base")
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("src", "href", "xlink:href", "data", "action", "srcset", "poster"):
            address = attributes.get(name)
            assert address is None or address.startswith(("data:image/png;", "data:audio/wav;", "#"))
    assert "http://" not in page
    assert "https://" not in page
    assert "@import" not in page
    assert "url(" not in page
    policy = next(
        a["content"] for tag, a in elements.tags if a.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy == "default-src 'none'; img-src data:; media-src data:; style-src 'unsafe-inline'"


def test_every_link_leads_to_a_place_on_the_page(page: str) -> None:
    elements = Elements(page)
    places = {attributes["id"] for _, attributes in elements.tags if "id" in attributes}
    links = {attributes["href"] or "" for _, attributes in elements.tags if "href" in attributes}
    assert len(links) > 10
    assert {link.removeprefix("#") for link in links} <= places


@given(st.text(max_size=60) | st.sampled_from(HOSTILE))
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@example("".join(HOSTILE))
def test_texts_stay_texts(text: str) -> None:
    """Whatever is written, the page has the same elements with the same attributes as with harmless words."""
    small = ("ground_truth",)
    elements, plain = (
        Elements(
            page_of(comparison(words, small, clip=words), note=words, clip_name=words, facts=[(words, words)])
        )
        for words in (f"x{text}", "x")
    )
    assert elements.tags == plain.tags
    shown = f"x{text}".replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
    if "\x00" not in text and "\r" not in text:
        assert elements.text.count(shown) >= 5


def test_a_cancelled_comparison_gives_what_there_is() -> None:
    page = page_of(comparison(panes=("ground_truth", "reconstruction")))
    assert "Free run against" not in page
    assert page.count("<img ") == 3
    with pytest.raises(ReportError, match="nothing to report"):
        page_of(comparison(panes=()))
    with pytest.raises(ReportError, match="wav or ogg"):
        page_of(comparison(), audio="mp3")


def test_a_short_or_silent_clip_still_gives_a_page() -> None:
    silent = Rendering(np.full((100, 40), -16.1, np.float32), np.zeros(0, np.float32))
    panes = dict.fromkeys(("ground_truth", "reconstruction", "teacher_forced", "autoregressive"), silent)
    page = page_of(Comparison("Hm.", "ada", np.zeros(39 * 256, np.float32), 24_000, panes, "max_length"
                              , {}))  # fmt: skip
    assert "<audio" not in Elements(page).text
    assert "nan" not in Elements(page).text.lower().replace("nanometre", "")


def test_the_matched_noise_can_be_heard() -> None:
    page = page_of(comparison(), vocode=lambda mel: np.zeros(mel.shape[1] * 256, np.float32), audio="ogg")
    assert page.count("data:audio/ogg") == 6


def test_files(page: str, tmp_path: Path) -> None:
    written = write_report(page, tmp_path / "a.html")
    assert written.read_text(encoding="utf-8") == page
    with pytest.raises(ReportError, match=r"\.html"):
        write_report(page, tmp_path / "a.pdf")


# ---------------------------------------------------------------------- parts
@given(st.lists(st.floats(-5, 5) | st.just(float("nan")), max_size=60))
@settings(deadline=None)
def test_a_curve_stays_in_its_box_and_leaves_gaps(values: list[float]) -> None:
    made = curve(np.array(values), -1.0, 1.0)
    finite = np.isfinite(np.array(values, dtype=float))
    assert made.line.count("M") == int(np.sum(np.diff(np.r_[0, finite.astype(int)]) == 1))
    numbers = [float(n) for n in made.line.replace("M", " ").replace("L", " ").split()]
    assert all(0 <= n <= 100 for n in numbers)
    assert len(numbers) == 2 * int(finite.sum())


def test_a_long_curve_keeps_its_peak() -> None:
    values = np.zeros(50_000)
    values[31_111] = 1.0
    assert " 0.00" in curve(values, 0.0, 1.0).line
    assert curve(values, 0.0, 1.0).line.count("L") < 1000


def test_ticks() -> None:
    assert [tick.label for tick in time_ticks(3.6)] == ["0", "1", "2", "3"]
    assert time_ticks(3.6)[1].percent == pytest.approx(100 / 3.6)
    assert time_ticks(0) == []
    labels = [tick.label for tick in frequency_ticks(MelConfig())]
    assert labels == ["500", "1k", "2k", "4k", "8k"]
    percents = [tick.percent for tick in frequency_ticks(MelConfig())]
    assert percents == sorted(percents)
    assert 0 < percents[0] < percents[-1] < 100


def test_a_picture_is_the_mel_upside_up_in_the_colours_asked_for() -> None:
    from matplotlib.image import imread

    colours = np.array([[0, 0, 0], [255, 255, 255]], np.uint8)
    mel = np.full((100, 7), -10.0)
    mel[:10] = 5.0
    data = base64.b64decode(mel_picture(mel, colours, (-20.0, 20.0)).partition(",")[2])
    picture = imread(io.BytesIO(data))
    assert picture.shape[:2] == (100, 7)
    assert picture[-1, 0, 0] == 1.0  # the lowest band is at the bottom
    assert picture[0, 0, 0] == 0.0
    assert gradient(colours, 2) == "rgb(0 0 0), rgb(255 255 255)"
    assert gradient("magma").count("rgb") == 16


def test_sounds_are_exact_as_wav() -> None:
    import soundfile

    wave = np.linspace(-0.5, 0.5, 480, dtype=np.float32)
    heard, rate = soundfile.read(io.BytesIO(base64.b64decode(sound(wave, 24_000, "wav").partition(",")[2])))
    assert rate == 24_000
    assert np.abs(heard - wave).max() < 1e-4
    assert sound(wave[:0], 24_000, "wav") == ""


def test_numbers() -> None:
    assert number(None) == number(float("nan")) == "–"
    assert number(-1.25, 1) == "\u22121.2"
    assert number(-0.001) == "0.00"


# ---------------------------------------------------------------------- the command line
def test_report_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tiny_checkpoint(tmp_path / "tiny.safetensors")
    noise = (0.1 * np.random.default_rng(0).normal(size=36_000)).astype(np.float32)
    write_wav(tmp_path / "clip.wav", noise, 24_000, "PCM_16")
    checkpoint, clip, out = (str(tmp_path / name) for name in ("tiny.safetensors", "clip.wav", "page.html"))
    asked = ["--text", "Hello there.", "--out", out, "--vocoder", "griffin-lim", "--json"]
    assert main(["report", checkpoint, clip, *asked]) == 0
    told = json.loads(capsys.readouterr().out)
    page = Path(out).read_text(encoding="utf-8")
    assert told["bytes"] == len(page.encode())
    assert "clip.wav" in page
    assert "tiny.safetensors" in page
    for wrong, message in (
        (["report", checkpoint, clip, clip, *asked], "one clip"),
        (["report", checkpoint, clip, *asked, "--checkpoint", checkpoint], "named twice"),
        (["report", checkpoint, clip, *asked[:2], "--out", "page.pdf"], ".html"),
        (["report", checkpoint, clip, *asked, "--colour-map", "mud"], "colour map"),
    ):
        assert main(wrong) == 2
        assert message in capsys.readouterr().err
