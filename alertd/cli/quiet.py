"""Commands that call into the daemon's parts print what they found, and not what these parts log."""

from __future__ import annotations

import importlib


def only_errors() -> None:
    """Log errors alone, to standard error. Called late, since it loads the whole of logging."""
    importlib.import_module("alertd.ops.logs").set_up(level="error")


def nothing() -> None:
    """Log nothing of what can go wrong in Autotask: the command itself tells all of it."""
    importlib.import_module("alertd.ops.logs").set_up(level="critical")
