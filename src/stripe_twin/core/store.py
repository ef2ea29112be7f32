"""
All state of one account: records by kind and id, changed in units that are whole or not at all.

Kept in memory; with a file, each unit is also one transaction of SQLite, so that a killed process forgets nothing it
has answered.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from stripe_twin.core.records import Record, copied, encoded

Key = tuple[str, str]


class Unit:
    """
    What one call or task changes: the state before of each record touched (None: there was none).
    """

    def __init__(self) -> None:
        self.before: dict[Key, bytes | None] = {}
        self.emitted: dict[Key, Record] = {}


class Store:
    """
    Records of one account. Changes are made inside `unit()` only, and from one thread.

    Whoever is in `on_kept` is told of each unit once its changes are kept.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._kinds: dict[str, dict[str, Record]] = {}
        self._kind_of: dict[str, str] = {}
        self._of_customer: dict[Key, dict[str, None]] = {}
        self._unit: Unit | None = None
        self.on_kept: list[Callable[[Unit], None]] = []
        self._file = _opened(file) if file else None
        if self._file:
            self._load(self._file)

    def close(self) -> None:
        """
        Close the file, if there is one.
        """
        if self._file:
            self._file.close()

    @contextmanager
    def unit(self) -> Iterator[Unit]:
        """
        Make changes that are kept together when the block ends, and undone together when it raises.
        """
        assert self._unit is None, "units do not nest"
        self._unit = unit = Unit()
        try:
            yield unit
        except BaseException:
            self._undo(unit)
            raise
        else:
            self._keep(unit)
        finally:
            self._unit = None

    @property
    def current(self) -> Unit:
        """
        The unit that is open.
        """
        assert self._unit is not None, "change state inside a unit"
        return self._unit

    def find(self, kind: str, record_id: str) -> Record | None:
        """
        Return a record to read, not to change.
        """
        return self._kinds.get(kind, {}).get(record_id)

    def lookup(self, record_id: str) -> Record | None:
        """
        Return a record of whatever kind by its id.
        """
        kind = self._kind_of.get(record_id)
        return self._kinds[kind][record_id] if kind else None

    def all(self, kind: str) -> list[Record]:
        """
        Return the records of a kind, newest first.
        """
        return list(reversed(self._kinds.get(kind, {}).values()))

    def count(self, kind: str) -> int:
        """
        Count the records of a kind.
        """
        return len(self._kinds.get(kind, {}))

    def of_customer(self, kind: str, customer_id: str) -> list[Record]:
        """
        Return the records of a kind whose `customer` is this one, newest first.
        """
        records = self._kinds.get(kind, {})
        return [records[record_id] for record_id in reversed(self._of_customer.get((kind, customer_id), {}))]

    def add(self, kind: str, record: Record) -> Record:
        """
        Take in a new record under its `id`.
        """
        record_id = record["id"]
        assert self.find(kind, record_id) is None, f"{record_id} is already there"
        self.current.before.setdefault((kind, record_id), None)
        self._put(kind, record)
        return record

    def edit(self, kind: str, record_id: str) -> Record:
        """
        Return a record to change in place.
        """
        record = self._kinds[kind][record_id]
        if (kind, record_id) not in self.current.before:
            self.current.before[kind, record_id] = encoded(record)
        return record

    def remove(self, kind: str, record_id: str) -> None:
        """
        Forget a record.
        """
        self.edit(kind, record_id)
        self._drop(kind, record_id)

    def state_before(self, kind: str, record_id: str) -> Record | None:
        """
        Return a record as it was when the unit began or at its latest event since; None for a new one.
        """
        emitted = self.current.emitted.get((kind, record_id))
        if emitted is not None:
            return emitted
        before = self.current.before.get((kind, record_id))
        return msgspec.json.decode(before) if before is not None else None

    def note_emitted(self, kind: str, record: Record) -> None:
        """
        Remember what an event has just told of a record.
        """
        self.current.emitted[kind, record["id"]] = copied(record)

    def _put(self, kind: str, record: Record) -> None:
        self._kinds.setdefault(kind, {})[record["id"]] = record
        if not kind.startswith("_"):
            self._kind_of[record["id"]] = kind
        self._index(kind, record)

    def _drop(self, kind: str, record_id: str) -> None:
        record = self._kinds[kind].pop(record_id)
        self._kind_of.pop(record_id, None)
        self._of_customer.get((kind, str(record.get("customer"))), {}).pop(record_id, None)

    def _index(self, kind: str, record: Record) -> None:
        if isinstance(record.get("customer"), str):
            self._of_customer.setdefault((kind, record["customer"]), {})[record["id"]] = None

    def _undo(self, unit: Unit) -> None:
        for (kind, record_id), before in reversed(unit.before.items()):
            if record_id in self._kinds.get(kind, {}):
                if before is None:
                    self._drop(kind, record_id)
                    continue
                # In place: the order of a kind's records is that of their making.
                self._kinds[kind][record_id] = msgspec.json.decode(before)
            elif before is not None:
                self._put(kind, msgspec.json.decode(before))

    def _keep(self, unit: Unit) -> None:
        for (kind, record_id), before in unit.before.items():
            record = self.find(kind, record_id)
            old = msgspec.json.decode(before, type=_Owned).customer if before is not None else None
            if old and (record is None or record.get("customer") != old):
                self._of_customer.get((kind, old), {}).pop(record_id, None)
            if record is not None:
                self._index(kind, record)
        if self._file and unit.before:
            with self._file:
                for kind, record_id in unit.before:
                    self._write(self._file, kind, record_id)
        for tell in self.on_kept:
            tell(unit)

    def _write(self, file: sqlite3.Connection, kind: str, record_id: str) -> None:
        record = self.find(kind, record_id)
        if record is None:
            file.execute("DELETE FROM records WHERE kind = ? AND id = ?", (kind, record_id))
        else:
            file.execute(
                "INSERT INTO records (kind, id, body) VALUES (?, ?, ?) "
                "ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body",
                (kind, record_id, encoded(record)),
            )

    def _load(self, file: sqlite3.Connection) -> None:
        for kind, body in file.execute("SELECT kind, body FROM records ORDER BY position"):
            self._put(kind, msgspec.json.decode(body))


class _Owned(msgspec.Struct):
    customer: Any = None


def _opened(file: Path) -> sqlite3.Connection:
    """
    Open the file so that each unit survives our being killed; a power cut may take the last ones.
    """
    connection = sqlite3.connect(file, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute(
        "CREATE TABLE IF NOT EXISTS records (position INTEGER PRIMARY KEY, kind TEXT NOT NULL, id TEXT NOT NULL, "
        "body BLOB NOT NULL, UNIQUE (kind, id))"
    )
    return connection
