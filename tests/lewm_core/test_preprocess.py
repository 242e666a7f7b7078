"""From recordings to a data folder: mels as written, what cannot be used is told, the split never moves."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lewm_core.analysis.listening import loudness
from lewm_core.cli import main
from lewm_core.manifest import DataError, MelStore, audio_path, read_manifest
from lewm_core.mel import load_audio, log_mel
from lewm_core.preprocess import Defaults, Discovery, Recipe, Recording, discover, preprocess, read_list
from lewm_core.preprocess.split import side
from lewm_core.resources_path import resource
from tests.lewm_core.spoken import RATE, SENTENCES, recording, silence, speech, write

AS_IT_IS = Recipe(trim=False, loudness=None)
Row = dict[str, str]


def listed(folder: Path, rows: list[Row]) -> Path:
    path = folder / "list.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf8")
    return path


def clips() -> list[Row]:
    found = json.loads(resource("clips", "clips.json").read_text(encoding="utf8"))
    return [
        {
            "audio": clip["file"],
            "text": clip["text"],
            "speaker": clip["speaker"],
            "language": clip["language"],
        }
        for clip in found
    ]


def sentences(folder: Path, count: int = len(SENTENCES)) -> Path:
    """Sound files with a .txt each."""
    for number, text in enumerate(SENTENCES[:count]):
        wave = np.concatenate([silence(0.5), speech(text, number), silence(0.4)])
        write(folder / f"{number}.wav", wave)
        (folder / f"{number}.txt").write_text(text, encoding="utf8")
    return folder


def test_good_recordings_are_kept_as_they_are_and_bad_ones_named(tmp_path: Path) -> None:
    rows = clips()[:2]
    bad = [{**rows[0], "audio": "missing.wav"}, {**rows[1], "text": "?!"}, {**rows[0], "language": "tlh"}]
    bad[2]["audio"] = clips()[2]["audio"]
    found = discover(listed(tmp_path, rows + bad), Defaults(audio_root=resource("clips")))
    seen: list[tuple[float, float]] = []
    report = preprocess(
        found, tmp_path / "data", AS_IT_IS, "train", workers=1, on_progress=lambda *now: seen.append(now)
    )
    assert report.total.segments == 2
    assert [rejection.kind for rejection in report.rejected] == ["sound", "text", "text"]
    assert report.rejected[0].audio.endswith("missing.wav")
    assert seen == sorted(seen)
    assert seen[-1][0] == pytest.approx(seen[-1][1])
    store = MelStore(tmp_path / "data", "train")
    for index, row in enumerate(rows):
        expected = log_mel(load_audio(resource("clips", row["audio"]))).T.astype(np.float16)
        assert np.array_equal(store.mel(index), expected.astype(np.float32))
        kept = store.utterances[index]
        assert audio_path(tmp_path / "data", kept).samefile(resource("clips", row["audio"]))
        assert kept.phonemes
        assert not kept.estimated


def test_the_report_counts_everything_and_lies_beside_the_data(tmp_path: Path) -> None:
    raw = sentences(tmp_path / "raw" / "ada", 4)
    (raw / "none.wav").write_bytes((raw / "0.wav").read_bytes())
    report = preprocess(discover(tmp_path / "raw"), tmp_path / "data", dev_share=0.5, workers=1)
    written = json.loads((tmp_path / "data" / "report.json").read_text(encoding="utf8"))
    assert written == json.loads(json.dumps(report.to_json()))
    rows = [row for split in written["splits"] for row in read_manifest(tmp_path / "data", split)]
    assert written["utterances"] == len(rows) == 4
    assert written["hours"] == pytest.approx(sum(row.seconds for row in rows) / 3600, abs=1e-5)
    assert written["speakers"]["ada"]["segments"] == 4
    assert written["languages"]["en-US"]["segments"] == 4
    assert written["rejected_by_kind"] == {"transcript": 1}
    assert "none.wav" in written["rejected"][0]["audio"]
    assert "none.srt" not in written["rejected"][0]["reason"]  # it says what to put there
    assert ".srt" in written["rejected"][0]["reason"]


@pytest.mark.parametrize(("rate", "channels"), [(8000, 1), (22050, 2), (48000, 6)])
def test_any_rate_and_channel_count_gives_the_same_times(tmp_path: Path, rate: int, channels: int) -> None:
    import soxr

    text = SENTENCES[0]
    wave = np.concatenate([silence(0.5), speech(text), silence(0.5)])
    sound = np.repeat(soxr.resample(wave, RATE, rate)[:, None], channels, axis=1)
    write(tmp_path / "raw" / "a.wav", sound, rate)
    (tmp_path / "raw" / "a.txt").write_text(text, encoding="utf8")
    preprocess(discover(tmp_path / "raw"), tmp_path / "data", split="dev", workers=1)
    row = read_manifest(tmp_path / "data", "dev")[0]
    assert row.start == pytest.approx(0.4, abs=0.03)
    assert row.end == pytest.approx(len(wave) / RATE - 0.4, abs=0.03)
    assert row.frames == pytest.approx(row.seconds * 93.75, abs=1.5)


def test_speakers_are_brought_to_one_loudness_and_the_gain_is_told(tmp_path: Path) -> None:
    text = SENTENCES[1]
    for name, gain in (("soft", 0.05), ("loud", 1.0)):
        write(tmp_path / name / "a.wav", gain * speech(text))
        (tmp_path / name / "a.txt").write_text(text, encoding="utf8")
    preprocess(discover(tmp_path), tmp_path / "data", Recipe(loudness=-30.0), "train", workers=1)
    rows = read_manifest(tmp_path / "data", "train")
    for row in rows:
        wave = load_audio(audio_path(tmp_path / "data", row))
        assert loudness(wave * 10 ** (row.gain_db / 20), RATE) == pytest.approx(-30, abs=0.1)
    by_name = {row.speaker: row.gain_db for row in rows}
    assert by_name["soft"] - by_name["loud"] == pytest.approx(20 * np.log10(20), abs=0.1)


def test_a_click_of_a_clip_is_levelled_without_clipping(tmp_path: Path) -> None:
    wave = speech("Why?", pace=8.5) * 0.1  # shorter than a block of BS.1770
    wave[4000] = 0.9
    write(tmp_path / "raw" / "a.wav", wave)
    (tmp_path / "raw" / "a.txt").write_text("Why?", encoding="utf8")
    preprocess(
        discover(tmp_path / "raw"), tmp_path / "data", Recipe(trim=False, loudness=0.0), "train", workers=1
    )
    gain = read_manifest(tmp_path / "data", "train")[0].gain_db
    assert 0.9 * 10 ** (gain / 20) <= 10 ** (-1 / 20) + 1e-3


def test_a_transcript_of_something_else_is_rejected(tmp_path: Path) -> None:
    write(tmp_path / "raw" / "a.wav", speech(SENTENCES[0]))
    (tmp_path / "raw" / "a.txt").write_text(" ".join(SENTENCES), encoding="utf8")
    write(tmp_path / "raw" / "b.wav", speech(" ".join(SENTENCES[4:7])))
    (tmp_path / "raw" / "b.txt").write_text("Nine geese flew.", encoding="utf8")
    write(tmp_path / "raw" / "c.wav", speech(SENTENCES[0]))
    (tmp_path / "raw" / "c.txt").write_text(SENTENCES[0], encoding="utf8")
    report = preprocess(discover(tmp_path / "raw"), tmp_path / "data", split="train", workers=1)
    assert [rejection.kind for rejection in report.rejected] == ["reading rate"] * 2
    assert report.total.segments == 1


def test_a_long_recording_with_only_a_transcript_is_cut_at_its_silences(tmp_path: Path) -> None:
    texts = SENTENCES * 2
    wave, places = recording(texts)
    write(tmp_path / "raw" / "a.wav", wave)
    (tmp_path / "raw" / "a.txt").write_text("\n".join(texts), encoding="utf8")
    found = discover(tmp_path / "raw", Defaults(speaker="ada"))
    report = preprocess(found, tmp_path / "data", Recipe(max_seconds=15), "train", workers=1)
    rows = read_manifest(tmp_path / "data", "train")
    assert all(row.estimated for row in rows)
    assert report.estimated.segments == len(rows) >= len(texts) - 2
    ends = dict.fromkeys(places)
    for row in rows:
        place = min(ends, key=lambda place: abs(place[0] - row.start))
        assert row.start == pytest.approx(place[0] - 0.1, abs=0.03)
        assert row.end == pytest.approx(place[1] + 0.1, abs=0.03)
        assert texts[places.index(place)] == row.text


def test_the_same_data_goes_to_both_splits_by_sentence(tmp_path: Path) -> None:
    sentences(tmp_path / "raw" / "ada")
    first = preprocess(discover(tmp_path / "raw"), tmp_path / "data", dev_share=0.5, workers=1)
    assert set(first.splits) == {"train", "dev"}
    sides = {row.text: split for split in first.splits for row in read_manifest(tmp_path / "data", split)}
    sentences(tmp_path / "raw" / "bert")  # the same sentences by another speaker
    second = preprocess(discover(tmp_path / "raw"), tmp_path / "data", dev_share=0.5, workers=1)
    assert second.reused == len(SENTENCES)  # nothing is done twice
    for split in second.splits:
        rows = read_manifest(tmp_path / "data", split)
        assert all(sides[row.text] == split for row in rows)
        assert {row.speaker for row in rows} == {"ada", "bert"}
    fresh = tmp_path / "fresh"
    preprocess(discover(tmp_path / "raw"), fresh, dev_share=0.5, workers=1)
    for name in ("train.f16", "train.jsonl", "dev.f16", "dev.jsonl", "report.json"):
        assert (fresh / name).read_bytes() == (tmp_path / "data" / name).read_bytes()


def test_a_split_that_is_named_leaves_the_other_as_it_is(tmp_path: Path) -> None:
    for split, count in (("train", 3), ("dev", 2)):
        found = discover(sentences(tmp_path / split, count))
        preprocess(found, tmp_path / "data", split=split, workers=1)
    assert len(MelStore(tmp_path / "data", "train")) == 3
    assert len(MelStore(tmp_path / "data", "dev")) == 2
    again = preprocess(discover(tmp_path / "train"), tmp_path / "data", split="train", workers=1)
    assert again.reused == 3
    with pytest.raises(DataError, match="test"):
        preprocess(Discovery(), tmp_path / "data", split="test")


def test_an_empty_side_is_told_with_the_share_that_fills_it(tmp_path: Path) -> None:
    sentences(tmp_path / "raw", 3)
    report = preprocess(discover(tmp_path / "raw"), tmp_path / "data", dev_share=0.0, workers=1)
    assert set(report.splits) == {"train"}
    share = float(report.notes[0].split("--dev-share ")[-1].split()[0])
    filled = preprocess(discover(tmp_path / "raw"), tmp_path / "data", dev_share=share, workers=1)
    assert set(filled.splits) == {"train", "dev"}
    assert filled.reused == 3
    emptied = preprocess(discover(tmp_path / "raw"), tmp_path / "data", dev_share=0.0, workers=1)
    assert not emptied.splits.get("dev")
    assert not (tmp_path / "data" / "dev.jsonl").exists()


words = st.text("abcdefg 'ÄÖü,.!?-ािक", max_size=30)


@settings(deadline=None)
@given(words, words, st.floats(0, 1), st.floats(0, 1))
def test_laws_of_the_split(text: str, other: str, share: float, more: float) -> None:
    assert side(text, share) == side(
        f" {text.upper()}! ", share
    )  # neither case nor punctuation moves a sentence
    if side(text, min(share, more)) == "dev":
        assert side(text, max(share, more)) == "dev"  # a larger share takes nothing away
    assert side(text, 0) == "train"
    assert side(text, 1) == "dev"


def test_the_share_is_about_kept() -> None:
    kept = sum(side(f"sentence number {i}", 0.1) == "dev" for i in range(5000))
    assert 400 < kept < 600


def test_nothing_usable_says_so_and_leaves_no_data(tmp_path: Path) -> None:
    row = {"audio": "a.wav", "text": "Hi.", "speaker": "x", "language": "en"}
    with pytest.raises(DataError, match=r"none of 1.*a\.wav"):
        preprocess(discover(listed(tmp_path, [row])), tmp_path / "data", workers=1)
    assert not list((tmp_path / "data").glob("train*"))


def test_two_runs_into_one_folder_are_refused(tmp_path: Path) -> None:
    from lewm_core.preprocess.workspace import Workspace

    with Workspace(tmp_path, 100), pytest.raises(DataError, match="another run"):
        preprocess(Discovery(recordings=[Recording(tmp_path / "a", "b", "c", "hi")]), tmp_path, workers=1)


def test_a_speakers_language_can_be_told(tmp_path: Path) -> None:
    path = listed(tmp_path, [{"audio": "a.wav", "text": "Hi.", "speaker": "emma", "language": "en"}])
    assert read_list(path)[0].language == "en-US"
    assert read_list(path, Defaults(languages={"emma": "en-GB"}))[0].language == "en-GB"


def test_lists_that_cannot_be_used_are_refused_with_the_line(tmp_path: Path) -> None:
    path = listed(tmp_path, [{"audio": "a.wav", "text": "Hi."}, {"audio": "b.wav", "speaker": "emma"}])
    with pytest.raises(DataError, match="line 2"):
        read_list(path)
    with pytest.raises(DataError, match="does not exist"):
        read_list(tmp_path / "none.jsonl")
    path.write_text("\n", encoding="utf8")
    with pytest.raises(DataError, match="no recordings"):
        read_list(path)


def test_the_command_says_what_it_found_and_what_it_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    raw = sentences(tmp_path / "ada", 3)
    (raw / "bad.wav").write_bytes(b"no sound")
    (raw / "bad.txt").write_text("Hello there.", encoding="utf8")
    command = ["preprocess", str(raw), str(tmp_path / "data"), "--split", "train", "--workers", "1"]
    assert main([*command, "--no-trim", "--no-loudness"]) == 0
    printed = capsys.readouterr()
    assert "3 utterances" in printed.out
    assert "1 left out: sound 1" in printed.out
    assert ".txt beside each recording: 4" in printed.err
    assert "bad.wav" in printed.err
    assert all(row.gain_db == row.start == 0 for row in read_manifest(tmp_path / "data", "train"))
    assert main([*command, "--json", "--language", "en-GB", "--language", "bob=hi", "--loudness", "-20"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["utterances"], answer["reused"], list(answer["languages"])) == (3, 0, ["en-GB"])


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--language", "=hi"], "emma=en-GB"),
        (["--dev-share", "2"], "between 0 and 1"),
        (["--dev-share", "0.1", "--split", "dev"], "not allowed with"),
        (["--max-seconds", "0"], "above 0"),
        (["--workers", "0"], "above 0"),
        ([], "holds no recordings"),
    ],
)
def test_bad_input_ends_with_2_and_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], flags: list[str], says: str
) -> None:
    try:
        code = main(["preprocess", str(tmp_path), str(tmp_path / "data"), *flags])
    except SystemExit as exit_of_argparse:
        code = int(str(exit_of_argparse.code))
    assert code == 2
    assert says in capsys.readouterr().err
