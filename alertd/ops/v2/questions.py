"""The parameters of questions, read as Alertmanager reads them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import parse_qsl

from aiohttp import hdrs, web

from alertd.core.matchers import Matcher, MatcherError, Matchers, parse_matcher, predicate
from alertd.core.v2.alerts import Wanted
from alertd.ops.v2.replies import Problem, refused

_TRUE = frozenset({"true", "1", "yes", "ok", "y", "on", "selected", "checked", "t", "enabled"})
_REFUSED = re.compile(r";\s*q=0(?:\.0*)?\s*(?:;|$)")
_JSON_TYPES = frozenset({"application/json", "application/*", "*/*"})


class Question:
    """What follows the question mark."""

    def __init__(self, request: web.BaseRequest) -> None:
        text = request.raw_path.partition("?")[2]
        self._pairs = parse_qsl(text, keep_blank_values=True, errors="replace")

    def every(self, name: str) -> list[str]:
        """Return all values of a parameter, in order."""
        return [value for key, value in self._pairs if key == name]

    def flag(self, name: str) -> bool:
        """Return a truth value, by default true: of several the last counts, as do only certain words."""
        text = next(reversed(self.every(name)), "")
        return not text or text.lower() in _TRUE

    def matchers(self, name: str = "filter") -> Matchers:
        """Return the matchers of a parameter that may be repeated; all of them have to accept.

        Raises:
            Problem: One of them cannot be read.
        """
        try:
            return tuple(parse_matcher(text) for text in self.every(name))
        except MatcherError as exc:
            raise Problem(400, f"bad matcher format: {exc}") from None

    def receivers(self) -> Matchers:
        """Return what `receiver` and `receiver_matchers` ask of a receiver, its name being a label.

        Raises:
            Problem: One of them cannot be read.
        """
        asked = self.matchers("receiver_matchers")
        pattern = next(reversed(self.every("receiver")), "")
        if not pattern:
            return asked
        try:
            return (*asked, Matcher("name", "=~", pattern))
        except MatcherError as exc:
            raise Problem(400, f"failed to parse receiver param: {exc}") from None

    def wanted(self) -> Wanted:
        """Return what a client wants to see of alerts or groups.

        Raises:
            Problem: A matcher or the receiver cannot be read.
        """
        return Wanted(
            accepts=predicate(self.matchers()),
            accepts_receiver=predicate(self.receivers()),
            active=self.flag("active"),
            silenced=self.flag("silenced"),
            inhibited=self.flag("inhibited"),
            unprocessed=self.flag("unprocessed"),
            muted=self.flag("muted"),
        )


def require_json_accepted(request: web.BaseRequest) -> None:
    """Refuse who does not take JSON for an answer.

    Raises:
        Problem: 406.
    """
    if not _accepts_json(request.headers.getall(hdrs.ACCEPT, [])):
        raise refused(406, "unsupported media type requested, only [application/json] are available")


def require_json_sent(request: web.BaseRequest) -> None:
    """Refuse a body that does not say that it is JSON.

    Raises:
        Problem: 415.
    """
    said = request.headers.get(hdrs.CONTENT_TYPE, "")
    media_type = said.partition(";")[0].strip()
    if media_type.lower() != "application/json":
        shown = media_type.encode("ascii", "replace").decode()[:100]
        raise refused(415, f'unsupported media type "{shown}", only [application/json] are allowed')


def _accepts_json(headers: Sequence[str]) -> bool:
    parts = [part.strip() for text in headers for part in text.split(",")]
    wanted = {part.partition(";")[0].strip().lower(): part for part in parts if part.strip("; ")}
    return not wanted or any(name in _JSON_TYPES and not _REFUSED.search(wanted[name]) for name in wanted)
