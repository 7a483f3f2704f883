"""What tickets would say, tried before there is an alert: on samples of every source, and on the tests.

A template that fails on a sample refuses the file. A label that a sample lacks does not, since the alerts to
come may have it; that, and a title that is too long, is noted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from importlib.resources import files
from urllib.parse import parse_qsl

import msgspec
import tomli

from alertd.config.paths import KeyPath
from alertd.config.routing import tree_of
from alertd.config.settings import Settings
from alertd.config.wording import Problem
from alertd.core.alerts import Alert, Status
from alertd.core.boards import BoardSettings
from alertd.core.reading.bodies import Body, Unreadable
from alertd.core.reading.settings import SourceBase
from alertd.core.route_settings import RouteSettings
from alertd.core.route_tests import example
from alertd.core.routes import Matched, Route, match
from alertd.core.sources import kinds
from alertd.core.text import TITLE_LENGTH, BadTemplate, LacksLabel, one_line, rendered
from alertd.core.ticket_forms import applied
from alertd.core.ticket_samples import AT, sample_incident
from alertd.intake.senders import sender_of

_PEER = "192.0.2.1"  # of documentation: nobody has sent it
_LABELS = {"alertname": "SampleAlert", "severity": "warning", "host": "srv1", "client": "Sample Customer"}
_TEMPLATES = ("title_template", "description_template")


class Found(msgspec.Struct, frozen=True):
    """What was found out about one key of the file. `fatal`: the file is refused."""

    path: KeyPath
    what: str
    fatal: bool


class Sample(msgspec.Struct, frozen=True):
    """An alert to try templates on, and where it comes from."""

    said: str  # "the sample alert of source 'prometheus' (alertmanager)"
    alert: Alert


def problems(settings: Settings) -> Iterator[Problem]:
    """Yield what is wrong with routes' options for tickets, and every template that fails on a sample."""
    yield from _halves(settings)
    yield from ((each.path, each.what) for each in _tried(settings) if each.fatal)


def notes(settings: Settings) -> Iterator[Problem]:
    """Yield what is not wrong but worth knowing: titles that are cut, labels that a sample does not have."""
    yield from ((each.path, each.what) for each in _tried(settings) if not each.fatal)


def samples(settings: Settings) -> Iterator[Sample]:
    """Yield at least one alert of every configured source, and those of the `[[tests]]`."""
    for source in settings.sources:
        said = f"the sample alert of source {source.name!r} ({source.kind})"
        yield from (Sample(said, alert) for alert in _alerts_of(source))
    for test in settings.tests:
        for each in test.samples:
            yield Sample(f"the alert of test {test.name!r}", example(each.labels))


# --- samples ------------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _requests() -> Mapping[str, Mapping[str, str]]:
    """Return a request of every kind that has a form of its own, by kind."""
    table = tomli.loads(files("alertd.config").joinpath("samples.toml").read_text(encoding="utf-8"))
    return {row["kind"]: row for row in table["samples"]}


def _alerts_of(source: SourceBase) -> list[Alert]:
    """Read the kind's sample as the source would; where that brings nothing, make an alert up."""
    request = _requests().get(source.kind)
    return (_read(source, request) if request is not None else []) or [_made_up(source)]


def _read(source: SourceBase, request: Mapping[str, str]) -> list[Alert]:
    body = Body(
        raw=request["text"].strip("\n").encode(),
        content_type=request.get("content_type", ""),
        query=tuple(parse_qsl(request.get("query", ""))),
        peer=_PEER,
    )
    sender = sender_of(source, kinds.compile_profile(source), digests=())
    try:
        alerts = sender.read_as(source.kind, body, AT).alerts
    except Unreadable:
        return []
    return [alert for alert in alerts if alert.status is Status.FIRING]


def _made_up(source: SourceBase) -> Alert:
    own = dict.fromkeys(getattr(source, "labels", None) or {}, "sample")
    return example({**_LABELS, **own, "source": source.name})


# --- templates ----------------------------------------------------------------------------------------


def _tried(settings: Settings) -> Iterator[Found]:
    """Try every template on every sample that comes to it; of one key only the first finding is told."""
    tree, boards = tree_of(settings), {board.name: board for board in settings.boards}
    told: set[tuple[KeyPath, bool]] = set()
    for sample in samples(settings):
        for matched in match(tree, sample.alert.labels):
            if (board := boards.get(matched.policy.board)) is None:
                continue
            for found in _tried_on(sample, matched, board, settings):
                if (found.path, found.fatal) not in told:
                    told.add((found.path, found.fatal))
                    yield found


def _tried_on(sample: Sample, matched: Matched, board: BoardSettings, settings: Settings) -> Iterator[Found]:
    form = applied(board, matched.policy.form)
    incident = sample_incident(sample.alert, matched)
    for key, template in _templates(form):
        path = _where(key, matched, board, settings)
        try:
            said = rendered(template, incident)
        except LacksLabel:
            yield _lacking(path, sample)
            continue
        except BadTemplate as exc:
            yield Found(path, f"the template fails on {sample.said}: {exc}", fatal=True)
            continue
        length = len(one_line(said))
        if key == ("title_template",) and length > TITLE_LENGTH:
            what = f"the title of {sample.said} has {length} characters; all after {TITLE_LENGTH} is cut"
            yield Found(path, what, fatal=False)


def _lacking(path: KeyPath, sample: Sample) -> Found:
    instead = "they get the built-in text" if path[-1] in _TEMPLATES else "the field stays empty"
    what = f"{sample.said} lacks a label that the template wants; of such alerts {instead}"
    remedy = 'write {{ labels.NAME | default("") }} where it may be missing'
    return Found(path, f"{what}; {remedy}", fatal=False)


def _templates(form: BoardSettings) -> Iterator[tuple[KeyPath, str]]:
    for key in _TEMPLATES:
        if (template := getattr(form, key)) is not None:
            yield (key,), template
    yield from ((("udfs", name), template) for name, template in form.udfs.items())


def _where(key: KeyPath, matched: Matched, board: BoardSettings, settings: Settings) -> KeyPath:
    """Return where in the file this stands for the route's tickets: at a route, else at the board."""
    for path, route in reversed(list(_chain(settings.route, matched.path[1:], ("route",)))):
        if _says(route, key):
            return (*path, *key)
    return ("boards", settings.boards.index(board), *key)


def _chain(
    route: RouteSettings, names: Sequence[str], path: KeyPath
) -> Iterator[tuple[KeyPath, RouteSettings]]:
    yield path, route
    for number, child in enumerate(route.routes):
        if names and child.name == names[0]:
            yield from _chain(child, names[1:], (*path, "routes", number))


def _says(route: RouteSettings, key: KeyPath) -> bool:
    if key[0] == "udfs":
        return key[1] in route.udfs
    return getattr(route, str(key[0])) is not None


# --- halves -------------------------------------------------------------------------------------------


def _halves(settings: Settings) -> Iterator[Problem]:
    """A sub-issue needs its issue, a role its resource: at the route, above it, or at its board."""
    boards = {board.name: board for board in settings.boards}
    yield from _halves_below(settings.route, tree_of(settings), boards, ("route",))


def _halves_below(
    settings: RouteSettings, route: Route, boards: Mapping[str, BoardSettings], path: KeyPath
) -> Iterator[Problem]:
    policy = route.matched.policy
    if policy.board in boards:
        form = applied(boards[policy.board], policy.form)
        for whole, half in (("issue", "sub_issue"), ("resource", "role")):
            if getattr(settings, half) is not None and getattr(form, whole) is None:
                yield (*path, half), f"belongs to {whole}: name that too, here or at board {policy.board!r}"
    below = {each.name: each for each in route.routes}
    for number, child in enumerate(settings.routes):
        yield from _halves_below(child, below[child.name], boards, (*path, "routes", number))
