"""apprise: its generic notifications into a mapped source, and GoAlert's."""

from __future__ import annotations

import apprise
import pytest

from tests.clients.senders.conftest import Alertd
from tests.clients.senders.keys import KEYS

WORSE, BETTER = apprise.NotifyType.FAILURE, apprise.NotifyType.SUCCESS


def notifier(url: str) -> apprise.Apprise:
    made = apprise.Apprise()
    assert made.add(url)
    return made


@pytest.mark.parametrize("form", ["json", "xml", "form"])
def test_generic(alertd: Alertd, form: str) -> None:
    where = alertd.plain.removeprefix("http://")
    told = notifier(f"{form}://{where}/v1/alerts/apprise?+X-Alertd-Token={KEYS['apprise']}")
    title = f"Door {form} is open"
    assert told.notify(title=title, body="since noon", notify_type=WORSE)
    alertd.ticket(title)
    assert told.notify(title=title, body="shut", notify_type=BETTER)
    alertd.completed(title)


def test_goalert(alertd: Alertd) -> None:
    where = alertd.plain.removeprefix("http://")
    told = notifier(f"goalert://{where}/goalert/{KEYS['goalert']}?dedup=ap1&+host=ap1")
    assert told.notify(title="Gate is open", body="since noon", notify_type=WORSE)
    alertd.ticket("Gate is open on ap1")
    assert told.notify(title="Gate is shut", body="now", notify_type=BETTER)
    alertd.completed("Gate is open on ap1")


def test_a_wrong_key_is_refused(alertd: Alertd) -> None:
    where = alertd.plain.removeprefix("http://")
    wrong = KEYS["goalert"].replace("7", "8")
    assert not notifier(f"goalert://{where}/goalert/{wrong}").notify(title="t", body="b")
