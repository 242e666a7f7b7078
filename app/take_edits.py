"""Renaming and deleting takes, with undo. Files of deleted takes go only when the studio ends."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtGui import QUndoCommand, QUndoStack

from app.session import Session
from app.takes import Take, TakeStore


class TakeEdits:
    """What the take list asks for."""

    def __init__(self, session: Session, store: TakeStore, undo: QUndoStack) -> None:
        self._session = session
        self._store = store
        self._undo = undo
        self._deleted: set[str] = set()

    def rename(self, take_id: str, title: str) -> None:
        """Give a take another title."""
        take = self._session.take(take_id)
        if take is not None and take.renamed(title) != take:
            self._undo.push(_Rename(self._session, take, take.renamed(title)))

    def delete(self, ids: Iterable[str]) -> int:
        """Delete takes (undo brings them back); returns how many."""
        known = [take_id for take_id in ids if self._session.take(take_id) is not None]
        if known:
            self._deleted.update(known)
            self._undo.push(_Delete(self._session, known))
        return len(known)

    def forget_deleted(self) -> None:
        """Remove the files of deleted takes that nobody brought back."""
        for take_id in self._deleted:
            if self._session.take(take_id) is None:
                self._store.remove(take_id)
        self._deleted.clear()


class _Rename(QUndoCommand):
    def __init__(self, session: Session, old: Take, new: Take) -> None:
        super().__init__("Rename take")
        self._session, self._old, self._new = session, old, new

    def redo(self) -> None:
        self._session.replace_take(self._new)

    def undo(self) -> None:
        self._session.replace_take(self._old)


class _Delete(QUndoCommand):
    def __init__(self, session: Session, ids: list[str]) -> None:
        super().__init__("Delete take" if len(ids) == 1 else f"Delete {len(ids)} takes")
        self._session, self._ids = session, ids
        self._removed: list[tuple[int, Take]] = []

    def redo(self) -> None:
        self._removed = self._session.remove_takes(self._ids)

    def undo(self) -> None:
        self._session.restore_takes(self._removed)
