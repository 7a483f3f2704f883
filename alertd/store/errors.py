"""Why a store cannot be used, named for what the operator does next.

    StoreError
    ├── StoreInUse       another alertd owns it                      exit 75
    ├── DataDamaged      the file, or a document in it, is unreadable   exit 65
    ├── SchemaTooNew     written by a later release: upgrade alertd  exit 2
    ├── SchemaTooOld     not migrated yet: start the daemon once     exit 2
    └── StoreUnsuitable  no place for a database                     exit 2

What refuses a single write is `alertd.flows.errors.StoreFailed`: with `full=True` it was refused for now
(disk nearly full, locked by another program, too many writes waiting) and later ones may succeed; without,
the disk has failed and no write is taken any more (exit 74).
"""

from __future__ import annotations


class StoreError(Exception):
    """The store cannot be used as it is."""


class StoreInUse(StoreError):
    """Another alertd owns the store. `pid` is its process id, or None where it could not be read."""

    def __init__(self, path: str, pid: int | None) -> None:
        owner = f"process {pid}" if pid is not None else "another process"
        super().__init__(f"{path} belongs to {owner}, an alertd that is running; stop it first")
        self.pid = pid


class DataDamaged(StoreError):
    """Stored data cannot be read. Nothing may be decided on it: restore a backup."""


class SchemaTooNew(StoreError):
    """The store was written by a later release of alertd."""


class SchemaTooOld(StoreError):
    """The store still has the schema of an earlier release, which only the daemon changes."""


class StoreUnsuitable(StoreError):
    """The place named in the configuration cannot hold a store."""
