"""The session on disk: restored at start, saved a moment after every change."""

from __future__ import annotations

from app.paths import Places
from app.session import Session
from app.stored_json import read_object, set_aside, write_object
from app.takes import TakeStore


def restore_session(places: Places) -> tuple[Session, list[str]]:
    """The last session and sentences about what could not be restored.

    A damaged file is set aside as `session.json.bak` and an empty session is returned; takes whose sound
    is gone are left out.
    """
    data, message = read_object(places.session)
    if data is None:
        return Session(), [message] if message else []
    try:
        session = Session.from_json(data)
    except (ValueError, TypeError, RecursionError) as error:
        return Session(), [set_aside(places.session, str(error))]
    store = TakeStore(places.takes)
    lost = [take for take in session.takes if not store.has(take)]
    if not lost:
        return session, []
    session.remove_takes(take.id for take in lost)
    one = len(lost) == 1
    return session, [f"The sound of {len(lost)} take{'' if one else 's'} is gone from {places.takes}; left out."]


def save_session(places: Places, session: Session) -> None:
    """Write the session, whole or not at all; raises OSError."""
    write_object(places.session, session.to_json())
