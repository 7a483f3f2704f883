"""The signature of a call-out, with the quirk of the real one."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

_ESCAPED = re.compile(r"\\(.)|[&<>'`+]|[^\x00-\x7f]", re.DOTALL)


def sign(secret: str, body: bytes) -> str:
    """Return the value of `X-Hook-Signature` for exactly these bytes."""
    digest = hmac.new(secret.encode(), body, hashlib.sha1).digest()
    return f"sha1={base64.b64encode(digest).decode()}"


def escaped_form(body: bytes) -> bytes:
    r"""Return what is signed in place of a JSON body.

    Inside its strings `&`, `<`, `>`, `'`, an escaped `"`, a backtick, `+` and everything beyond ASCII become
    `\uXXXX` in upper-case hex; other escapes stay. Outside strings our bodies hold none of these.
    """
    return _ESCAPED.sub(_escape, body.decode()).encode()


def _escape(match: re.Match[str]) -> str:
    if match[1] is not None:
        return "\\u0022" if match[1] == '"' else match[0]
    units = match[0].encode("utf-16-be")
    return "".join(f"\\u{units[at : at + 2].hex().upper()}" for at in range(0, len(units), 2))
