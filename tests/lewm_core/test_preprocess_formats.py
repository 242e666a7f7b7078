"""Lists and time-stamped transcripts as they are met with, and what is said about those that cannot be used."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lewm_core.manifest import DataError
from lewm_core.preprocess import Defaults, Recording, Span, discover
from lewm_core.preprocess.timestamps import read_spans

SRT = "1\n00:00:01,500 --> 00:00:03,250\n<i>Hello there,</i>\nfriend.\n\n2\n00:00:04,000 --> 00:00:05,000\n[music]\n"
VTT = (
    "WEBVTT\n\nNOTE made up\n\nSTYLE\n::cue { color: red }\n\nintro\n00:01.500 --> 00:03.250 align:start\n"
    "<v Bob>Hello there,\nfriend.</v>\n\n00:00:04.000 --> 00:00:05.000\n♪ la la ♪\n"
)
SEGMENT = {"start": 1.5, "end": 3.25, "text": " Hello there, friend."}
WHISPER_CPP = {"transcription": [{"offsets": {"from": 1500, "to": 3250}, "text": " Hello there, friend."}]}
GRID = """File type = "ooTextFile"
Object class = "TextGrid"

0
5
<exists>
2
"IntervalTier"
"words"
0
5
1
0
5
"Hello"
"IntervalTier"
"{name}"
0
5
3
0
1.5
""
1.5
3.25
"Hello there, friend."
3.25
5
""
"""
EXPECTED = [Span("Hello there, friend.", 1.5, 3.25)]


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.srt", SRT),
        ("a.srt", "\ufeff" + SRT.replace("\n", "\r\n")),
        ("a.vtt", VTT),
        ("a.json", json.dumps({"segments": [SEGMENT]})),
        ("a.json", json.dumps([SEGMENT])),
        ("a.json", json.dumps(WHISPER_CPP)),
        ("a.TextGrid", GRID.format(name="sentences")),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_time_stamps_of_every_form_say_the_same(
    tmp_path: Path, name: str, content: str, encoding: str
) -> None:
    (tmp_path / name).write_text(content, encoding=encoding, newline="")
    assert read_spans(tmp_path / name)[0] == EXPECTED


def test_whisper_names_language_and_speakers(tmp_path: Path) -> None:
    content = {"language": "hi", "segments": [{**SEGMENT, "speaker": "SPEAKER_01"}]}
    (tmp_path / "a.json").write_text(json.dumps(content), encoding="utf8")
    touch(tmp_path / "a.wav")
    found = discover(tmp_path)
    assert found.recordings[0].language == "hi"
    assert found.recordings[0].spans == (Span("Hello there, friend.", 1.5, 3.25, "a-SPEAKER_01"),)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.srt", "", "no time stamps"),
        ("a.srt", "not a subtitle\nat all", "no time stamps|subtitles"),
        ("a.vtt", SRT[:3], "no time stamps|subtitles"),
        ("a.TextGrid", "x", "no Praat TextGrid"),
        ("a.TextGrid", GRID[:90], "Praat"),
        ("a.TextGrid", GRID.format(name="phones"), "Name one"),
        ("a.json", "{", "not JSON"),
        ("a.json", "{}", "segments"),
        ("a.json", '[{"text": "x"}]', "lacks"),
        ("a.json", '[{"text": "x", "start": null, "end": 1}]', "lacks"),
    ],
)
def test_damaged_time_stamps_are_told_with_their_file(
    tmp_path: Path, name: str, content: str, says: str
) -> None:
    (tmp_path / name).write_text(content, encoding="utf8")
    with pytest.raises(DataError, match=says) as caught:
        read_spans(tmp_path / name)
    assert name in str(caught.value)


def test_a_transcript_in_an_old_encoding_is_told(tmp_path: Path) -> None:
    touch(tmp_path / "a.wav")
    (tmp_path / "a.txt").write_bytes("Grüße".encode("latin-1"))
    assert "UTF-8" in discover(tmp_path).rejected[0].reason


def test_ljspeech_takes_the_normalised_text_and_the_folders_name(tmp_path: Path) -> None:
    top = tmp_path / "linda"
    audio = touch(top / "wavs" / "LJ001-0001.wav")
    touch(top / "wavs" / "LJ001-0002.wav")
    (top / "metadata.csv").write_text(
        'LJ001-0001|In 1905, "so"|In nineteen oh-five, "so"\nLJ001-0002|Yes.|\n'
    )
    found = discover(top)
    assert dict(found.detected) == {"LJSpeech metadata.csv": 2}
    assert found.recordings[0] == Recording(audio, 'In nineteen oh-five, "so"', "linda", "en-US")
    assert found.recordings[1].text == "Yes."
    assert not found.rejected
    assert discover(top, Defaults(speaker="ann", language="en-GB")).recordings[0].language == "en-GB"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("list.csv", 'audio,text,speaker,language\nb/1.wav,"Well, yes.",ada,hi\n'),
        ("list.csv", "\ufeffText;Audio;Speaker;Language\r\nWell, yes.;b/1.wav;ada;hi\r\n"),
        ("validated.tsv", "client_id\tpath\tsentence\tlocale\nada\t1.wav\tWell, yes.\thi\n"),
        ("list.jsonl", '\n{"audio_filepath": "b/1.wav", "text": "Well, yes.", "speaker": "ada", "language": "hi"}\n'),
        ("metadata.csv", "file_name,transcription,speaker_id,lang\nb/1,\"Well, yes.\",ada,hi\n"),
        ("list.csv", "audio|text|speaker|language\nb/1.wav|Well, yes.|ada|hi\n"),
    ],
)  # fmt: skip
def test_lists_by_the_names_that_corpora_use(tmp_path: Path, name: str, content: str) -> None:
    audio = touch(tmp_path / ("clips" if name == "validated.tsv" else "b") / "1.wav")
    (tmp_path / name).write_text(content, encoding="utf8", newline="")
    assert discover(tmp_path).recordings == [Recording(audio, "Well, yes.", "ada", "hi")]
    assert discover(tmp_path / name).recordings == [Recording(audio, "Well, yes.", "ada", "hi")]


def test_a_list_may_cut_recordings(tmp_path: Path) -> None:
    touch(tmp_path / "a.wav")
    (tmp_path / "l.csv").write_text(
        "audio,text,start,end\na.wav,One.,0,1\na.wav,Two.,1.5,2\n", encoding="utf8"
    )
    (only,) = discover(tmp_path).recordings
    assert [(span.text, span.start, span.end) for span in only.spans or ()] == [
        ("One.", 0, 1),
        ("Two.", 1.5, 2),
    ]
    (tmp_path / "l.csv").write_text("audio,text,start,end\na.wav,One.,zero,1\n", encoding="utf8")
    with pytest.raises(DataError, match=r"line 2.*seconds"):
        discover(tmp_path)


def test_a_file_that_several_lists_name_counts_once(tmp_path: Path) -> None:
    touch(tmp_path / "clips" / "a.wav")
    for name in ("train.tsv", "validated.tsv"):
        (tmp_path / name).write_text("path\tsentence\na.wav\tHi.\n", encoding="utf8")
    assert len(discover(tmp_path).recordings) == 1


def test_time_stamps_come_before_plain_text_and_other_files_are_left_alone(tmp_path: Path) -> None:
    for name in ("a.wav", "b.flac", "c.ogg"):
        touch(tmp_path / "ada" / name)
    folder = tmp_path / "ada"
    for stem in "ab":
        (folder / f"{stem}.txt").write_text("All of it.", encoding="utf8")
    (folder / "a.srt").write_text(SRT, encoding="utf8")
    (folder / "b.json").write_text('{"licence": "CC0"}', encoding="utf8")
    (folder / "notes.csv").write_text("a,b\n1,2\n", encoding="utf8")
    touch(folder / "d.m4a")
    touch(tmp_path / ".hidden" / "e.wav")
    touch(tmp_path / "data" / "f.wav")
    found = discover(tmp_path, skip=tmp_path / "data")
    assert [(r.audio.name, r.speaker, bool(r.spans)) for r in found.recordings] == [
        ("a.wav", "ada", True), ("b.flac", "ada", False),
    ]  # fmt: skip
    assert [Path(r.audio).name for r in found.rejected] == ["c.ogg", "d.m4a"]
    assert "ffmpeg" in found.rejected[1].reason


def test_a_single_sound_file_is_enough(tmp_path: Path) -> None:
    audio = touch(tmp_path / "ada" / "a.wav")
    (tmp_path / "ada" / "a.srt").write_text(SRT, encoding="utf8")
    assert discover(audio).recordings == [Recording(audio, "", "ada", "en-US", tuple(EXPECTED))]


def test_devanagari_is_hindi_unless_told_otherwise(tmp_path: Path) -> None:
    touch(tmp_path / "a.wav")
    (tmp_path / "a.txt").write_text("नमस्ते।", encoding="utf8")
    assert discover(tmp_path).recordings[0].language == "hi"


def test_an_empty_folder_says_what_to_put_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"metadata\.csv"):
        discover(tmp_path)
