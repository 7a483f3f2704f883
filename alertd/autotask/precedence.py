"""Which class a call belongs to: that of what the task does just now, else its own."""

from __future__ import annotations

from alertd.flows.sending import Precedence, Sending

__all__ = ["Precedence", "resolved"]


def resolved(sending: Sending, *, own: Precedence) -> Precedence:
    """Return the class of a call.

    A query that a create needs goes with the create, and a look with the write that it looks for.
    """
    return own if sending.precedence is None else sending.precedence
