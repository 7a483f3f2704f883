"""`alertd routes`: the tree, and which board and why."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
import msgspec

from alertd.cli.options import config_option, config_path, json_option
from alertd.cli.route_tests import tested
from alertd.cli.tables import print_json
from alertd.config.loading import load_untested
from alertd.config.routing import route_warnings, tree_of
from alertd.config.settings import Settings
from alertd.core.alerts import Alert
from alertd.core.boards import BoardSettings
from alertd.core.flapping_rules import FlapRule
from alertd.core.identity import reference
from alertd.core.incidents import Incident
from alertd.core.matchers import Labels, print_matchers
from alertd.core.route_tests import example
from alertd.core.routes import Matched, Policy, Route, Step, explain, match, needs_problem_key, place
from alertd.core.settings import format_duration
from alertd.core.text import field_texts, ticket_text
from alertd.core.ticket_forms import applied, shown
from alertd.core.ticket_parts import PARTS
from alertd.core.ticket_samples import sample_incident
from alertd.core.tickets import TicketField

_TIMES = ("group_wait", "hold", "reopen_within", "note_interval", "acknowledge_limit")
_WORDS = ("close", "on_expiry", "missed")
_OPTIONS = (*_TIMES, *_WORDS, "wait_for", "flapping")


@click.group()
@config_option
def routes() -> None:
    """Show the tree of routes, or ask it about an alert."""


# --- show ---------------------------------------------------------------------------------------------


@routes.command()
@config_option
@json_option
def show(*, as_json: bool) -> None:
    """Print the tree: what each route accepts, its board, and its policy with all it inherits."""
    settings = load_untested(config_path(), os.environ)
    tree = tree_of(settings)
    if as_json:
        print_json(list(_rows(tree)))
    else:
        click.echo("\n".join(_drawn(tree)))
    for warning in route_warnings(settings):
        click.echo(f"warning: {warning}", err=True)


def _rows(route: Route) -> Iterator[dict[str, Any]]:
    matched = route.matched
    yield {
        "name": route.name,
        "path": list(matched.path),
        "matchers": [str(matcher) for matcher in route.matchers],
        "continue": route.goes_on,
        "board": matched.policy.board,
        "group_by": list(matched.group_by),
        **_policy(matched.policy),
        "tags": list(matched.policy.tags),
        "company": matched.policy.company,
        "ticket": _plain(shown(matched.policy.form)),
        **_clock(matched.policy),
    }
    for child in route.routes:
        yield from _rows(child)


def _policy(policy: Policy) -> dict[str, str]:
    times = {name: format_duration(getattr(policy, name)) for name in _TIMES}
    words = {name: getattr(policy, name) or "as the source has it" for name in _WORDS}
    return times | words | {"wait_for": _waits(policy), "flapping": _flapping(policy.flapping)}


def _waits(policy: Policy) -> str:
    told = [f"{name} {format_duration(wait)}" for name, wait in policy.wait_for.items()]
    return " ".join(told) or "0s"


def _flapping(rule: FlapRule | None) -> str:
    if rule is None:
        return "off"
    changes = f"{rule.start:g} changes in {format_duration(rule.window)} until below {rule.stop:g}"
    return f"{changes}; {rule.reopens} reopenings in {format_duration(rule.reopens_within)}"


def _plain(options: Mapping[str, object]) -> dict[str, object]:
    """Return options with durations as they are written."""
    return {name: _plain_value(value) for name, value in options.items()}


def _plain_value(value: object) -> object:
    if isinstance(value, Mapping):
        return {name: _plain_value(each) for name, each in value.items()}
    return format_duration(value) if isinstance(value, timedelta) else value


def _clock(policy: Policy) -> dict[str, Any]:
    """Return what of it goes by the clock."""
    return {
        "mute_time_intervals": list(policy.mute_time_intervals),
        "active_time_intervals": list(policy.active_time_intervals),
        "hours": policy.hours,
        "outside": msgspec.to_builtins(policy.outside),
    }


def _clock_said(policy: Policy) -> str:
    outside = policy.outside
    said = [f"no new tickets in {name}" for name in policy.mute_time_intervals]
    if policy.active_time_intervals:
        said.append(f"new tickets in {' or '.join(policy.active_time_intervals)} alone")
    if outside is not None and policy.hours:
        changes = [f"board {outside.board}"] if outside.board else []
        changes += [f"priority of {one} as {other}" for one, other in outside.priority_as.items()]
        changes += ["no new tickets"] if outside.hold else []
        said.append(f"outside {policy.hours}: {', '.join(changes) or 'nothing else'}")
    return ", ".join(said)


def _drawn(route: Route, lead: str = "", branch: str = "", inherited: Matched | None = None) -> Iterator[str]:
    """Yield the lines of a route and all below it; of its policy only what differs from its parent's."""
    accepts = print_matchers(route.matchers) if route.matchers else "everything"
    goes_on = ", then continues" if route.goes_on else ""
    yield f"{lead}{branch}{route.name} → {route.matched.policy.board}: {accepts}{goes_on}"
    below = lead + {"": "", "├─ ": "│  ", "└─ ": "   "}[branch]
    bar = "│  " if route.routes else "   "
    if differs := ", ".join(_differences(route.matched, inherited)):
        yield f"{below}{bar}{differs}"
    for child in route.routes:
        last = child is route.routes[-1]
        yield from _drawn(child, below, "└─ " if last else "├─ ", route.matched)


def _differences(matched: Matched, inherited: Matched | None) -> Iterator[str]:
    if inherited is None or matched.group_by != inherited.group_by:
        yield f"group_by {' '.join(matched.group_by) or 'nothing'}"
    before = _policy(inherited.policy) if inherited else {}
    yield from (
        f"{key} {value}" for key, value in _policy(matched.policy).items() if before.get(key) != value
    )
    policy, parent = matched.policy, inherited.policy if inherited else None
    if policy.tags != (parent.tags if parent else ()):
        yield f"tags {' '.join(policy.tags) or 'none'}"
    if policy.company != (parent.company if parent else None):
        yield f"company {policy.company}"
    before_form = shown(parent.form) if parent else {}
    own = {name: each for name, each in shown(policy.form).items() if before_form.get(name) != each}
    yield from (f"{name} {_one_value(value)}" for name, value in _plain(own).items())
    if (said := _clock_said(policy)) and said != (parent and _clock_said(parent)):
        yield said


def _one_value(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={each}" for name, each in value.items())
    return str(value)


# --- test ---------------------------------------------------------------------------------------------


@routes.command("test")
@config_option
@json_option
@click.option(
    "--fail-under",
    type=click.FloatRange(0, 100),
    default=0.0,
    metavar="PERCENT",
    help="Fail where the tests reach a smaller share of the routes.",
)
@click.option(
    "--junit",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the results there as JUnit XML, too.",
)
@click.argument("labels", nargs=-1, metavar="[LABEL=VALUE]…")
def ask(labels: tuple[str, ...], *, as_json: bool, fail_under: float, junit: Path | None) -> int:
    """Say where an alert with these labels goes, and why. Without labels: run the [[tests]] of the file."""
    settings = load_untested(config_path(), os.environ)
    if not labels:
        return tested(settings, as_json=as_json, fail_under=fail_under, junit=junit)
    alert = example(dict(_pair(text) for text in labels))
    tree = tree_of(settings)
    answers = [_answer(settings, matched, alert) for matched in match(tree, alert.labels)]
    steps = explain(tree, alert.labels)
    if as_json:
        print_json([answer | {"steps": [_step_row(step) for step in steps]} for answer in answers])
    else:
        click.echo("\n".join([*_told(answers), "", *_reasons(steps)]))
    return 0


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise click.BadParameter(f"{text!r} should be a label and its value, such as severity=high")
    return name, value.removeprefix('"').removesuffix('"')


def _answer(settings: Settings, matched: Matched, alert: Alert) -> dict[str, Any]:
    plain = next(board for board in settings.boards if board.name == matched.policy.board)
    board = applied(plain, matched.policy.form)
    key, group = place(matched, alert)
    return {
        "route": matched.policy.route_name,
        "path": list(matched.path),
        "board": board.name,
        "queue": board.queue,
        "severity": alert.severity.value,
        "priority": board.priority[alert.severity.value],
        "tags": list(dict.fromkeys([*board.tags, *matched.policy.tags])),
        "company": matched.policy.company,
        "group": group,
        "needs_problem_key": needs_problem_key(matched, group),
        "incident_key": str(key),
        "reference": reference(settings.instance, key, 1),
        **_clock(matched.policy),
        "clock": _clock_said(matched.policy),
        **_policy(matched.policy),
        **_ticket(board, sample_incident(alert, matched), reference(settings.instance, key, 1)),
    }


def _ticket(board: BoardSettings, incident: Incident, reference: str) -> dict[str, Any]:
    """Return what the alert's ticket would say and have, in the words of the configuration."""
    says = ticket_text(
        incident,
        reference=reference,
        title_template=board.title_template,
        description_template=board.description_template,
    )
    udfs = [TicketField(name=name, template=template) for name, template in board.udfs.items()]
    fields = {name: getattr(board, name) for name in PARTS if not name.endswith("_template")}
    due = {str(severity): after for severity, after in board.due.items()}.get(incident.severity.value)
    return {
        "title": says.title,
        "description": says.description,
        "fields": {name: value for name, value in fields.items() if value is not None},
        "due": None if due is None else format_duration(due),
        "udfs": field_texts(incident, reference=reference, fields=udfs)[0],
    }


def _told(answers: Sequence[dict[str, Any]]) -> Iterator[str]:
    for answer in answers:
        yield f"Route     {' > '.join(answer['path'])}"
        yield f"Board     {answer['board']} (queue {answer['queue']})"
        yield f"Priority  {answer['priority']}, for severity {answer['severity']}"
        yield f"Title     {answer['title']}"
        yield f"Fields    {_one_value(answer['fields']) or 'as the tenant has them by default'}"
        yield f"Due       {answer['due'] + ' after it was made' if answer['due'] else 'as Autotask decides'}"
        yield from (f"UDF       {name}: {said}" for name, said in answer["udfs"].items())
        yield f"Tags      {', '.join(answer['tags']) or 'none'}"
        yield f"Company   {answer['company'] if answer['company'] is not None else 'the client of the alert'}"
        yield f"Group     {_labels(answer['group'])}"
        if answer["needs_problem_key"]:
            yield "          … and the problem itself, since neither client nor host is known"
        yield f"Incident  {answer['incident_key']}"
        yield f"Reference {answer['reference']}"
        yield f"Policy    {', '.join(f'{name} {answer[name]}' for name in _OPTIONS)}"
        if answer["clock"]:
            yield f"Clock     {answer['clock']}"
        if answer is not answers[-1]:
            yield ""


def _labels(labels: Labels) -> str:
    return (
        ", ".join(f'{name}="{value}"' for name, value in labels.items()) or "all alerts of the route together"
    )


def _reasons(steps: Sequence[Step]) -> Iterator[str]:
    yield "Why:"
    for step in steps:
        yield f"  {'  ' * step.depth}{step.route_name}: {step.outcome}, {step.reason}"


def _step_row(step: Step) -> dict[str, Any]:
    return {
        "route": step.route_name,
        "depth": step.depth,
        "outcome": step.outcome,
        "reason": step.reason,
        "board": step.board,
    }
