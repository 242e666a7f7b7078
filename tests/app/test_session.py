"""Session, takes and settings: they come back, and damage costs nothing but the damaged file."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.session import SOURCES, Clip, Session
from app.session_store import restore_session, save_session
from app.settings import Settings, load_settings, save_settings, settings_from_json
from app.takes import Take, TakeStore, new_take, title_from_text


def take(text: str = "Hello there.", **changes: object) -> Take:
    values: dict[str, object] = {
        "text": text, "speaker": "heart", "seed": 5, "temperature": 0.3, "seconds": 1.5, "sample_rate": 24_000,
        "stop_reason": "stop_head", "recipe": {"checkpoint": "abc", "vocoder": "embedded"},
    }  # fmt: skip
    return new_take(**{**values, **changes})  # type: ignore[arg-type]


words = st.text(max_size=40)
sessions = st.builds(
    Session,
    checkpoint=st.none() | words,
    clip=st.none() | st.builds(Clip, path=st.text(min_size=1, max_size=30), text=words, speaker=words, title=words),
    text=words,
    speaker=words,
    seed=st.integers(0, 2**31 - 1),
    seed_locked=st.booleans(),
    temperature=st.floats(0, 2),
    takes=st.lists(st.builds(take, words), max_size=3).map(tuple),
    source=st.sampled_from(SOURCES),
    selection=st.none() | st.tuples(st.floats(0, 5), st.floats(5, 9)),
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=8,
)


@given(sessions)
def test_a_session_comes_back(session):
    back = Session.from_json(json.loads(json.dumps(session.to_json())))
    assert back.to_json() == session.to_json()


@given(sessions, st.sampled_from(list(Session().to_json())), json_values)
def test_a_damaged_field_is_a_value_error_or_harmless(session, key, value):
    data = session.to_json()
    data[key] = value
    try:
        back = Session.from_json(data)
    except (ValueError, TypeError):
        return
    assert back.source in SOURCES
    assert 0 <= back.seed < 2**31


@given(st.dictionaries(st.sampled_from(list(Settings().to_json())), json_values))
def test_settings_take_only_what_is_usable(data):
    settings = settings_from_json(data)
    assert settings.theme in ("dark", "light", "system")
    assert 0 <= settings.volume <= 1
    assert isinstance(settings.geometry, str)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"format": 99}', b"\xff\xfe\x00", b"[" * 100_000])
def test_a_damaged_session_is_set_aside(places, content):
    places.folder.mkdir()
    places.session.write_bytes(content)
    session, messages = restore_session(places)
    assert session.takes == ()
    assert len(messages) == 1
    assert "set aside" in messages[0]
    assert not places.session.exists()
    assert (places.folder / "session.json.bak").read_bytes() == content
    assert restore_session(places)[1] == []


def test_damaged_settings_are_set_aside(places):
    places.folder.mkdir()
    places.settings.write_text("no json")
    settings, message = load_settings(places)
    assert settings == Settings()
    assert "set aside" in message
    save_settings(places, Settings(theme="light", volume=0.5))
    assert load_settings(places) == (Settings(theme="light", volume=0.5), "")


def test_takes_survive_a_restart(places):
    store, one = TakeStore(places.takes), take()
    mel = np.random.default_rng(0).normal(size=(100, 141)).astype(np.float32)
    wave = np.linspace(-1, 1, 140 * 256, dtype=np.float32)
    store.save(one, mel, wave)
    session = Session()
    session.add_take(one)
    save_session(places, session)
    back, messages = restore_session(places)
    assert messages == []
    assert back.takes == (one,)
    assert back.current_take == one.id
    loaded_mel, loaded_wave = TakeStore(places.takes).load(one)
    np.testing.assert_array_equal(loaded_mel, mel)
    np.testing.assert_array_equal(loaded_wave, wave)


def test_a_take_without_its_sound_is_left_out_with_a_message(places):
    session = Session()
    session.add_take(take())
    save_session(places, session)
    back, messages = restore_session(places)
    assert back.takes == ()
    assert "1 take " in messages[0]


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b", "", "..", "ä"])
def test_a_take_cannot_name_a_file_outside_its_folder(name):
    data = {**take().to_json(), "id": name}
    with pytest.raises(ValueError, match="unusable id"):
        Take.from_json(data)


def test_files_of_takes_are_never_unpickled(places):
    store, one = TakeStore(places.takes), take()
    store.save(one, np.zeros((100, 3), np.float32), np.zeros(512, np.float32))
    np.save(store.mel_path(one.id), np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match="allow_pickle"):
        TakeStore(places.takes).load(one)


def test_deleted_takes_come_back_to_their_places():
    session = Session()
    for text in "abcd":
        session.add_take(take(text))
    before = session.takes
    removed = session.remove_takes([before[1].id, before[3].id])
    assert [one.text for one in session.takes] == ["d", "b"]
    session.restore_takes(removed)
    assert session.takes == before


def test_events_tell_real_changes_only():
    session, heard = Session(), []
    session.events.text.connect(heard.append)
    session.text = "a"
    session.text = "a"
    session.text = "b"
    assert heard == ["a", "b"]


def test_recent_files_are_short_and_without_doubles():
    session = Session()
    for number in [*range(15), 3]:
        session.remember_clip(f"{number}.wav")
    assert session.recent_clips[0] == "3.wav"
    assert len(session.recent_clips) == len(set(session.recent_clips)) == 10


def test_titles_are_one_short_line():
    assert title_from_text("  One\n two  ") == "One two"
    assert len(title_from_text("word " * 50)) <= 60
    assert take("Some text").renamed("  ").title == "Some text"


@pytest.mark.skipif(os.name != "posix", reason="a file in the place of a folder")
def test_a_session_that_cannot_be_saved_raises_os_error(places):
    places.folder.parent.mkdir(exist_ok=True)
    places.folder.write_text("a file where the folder should be")
    with pytest.raises(OSError, match="home"):
        save_session(places, Session())
