"""`[autotask.callouts]`: Autotask must be able to reach us, and take our key."""

from __future__ import annotations

import pytest

from alertd.app.callouts import webhook_plan
from alertd.config.secrets import SecretMissing
from tests.config.conftest import ConfigFile

CALLOUTS = '\n[autotask.callouts]\nsecret = { env = "KEY" }\n'
PUBLIC = '[server]\npublic_url = "https://alerts.example.com/a/"\n\n[admin]'


def test_without_the_table_there_is_no_webhook(config: ConfigFile) -> None:
    assert webhook_plan(config.load(), {}) is None


def test_the_url_is_below_the_public_one(config: ConfigFile) -> None:
    plan = webhook_plan(config.replace("[admin]", PUBLIC).append(CALLOUTS).load(), {"KEY": "k" * 48})
    assert plan is not None
    assert plan.url == "https://alerts.example.com/a/v1/autotask/callout"
    assert plan.name == "alertd alertd"
    assert "Status" in plan.fields
    assert "k" * 48 not in repr(plan)


@pytest.mark.parametrize("key", ["short", "k" * 65])
def test_a_key_that_autotask_would_not_take(config: ConfigFile, key: str) -> None:
    settings = config.replace("[admin]", PUBLIC).append(CALLOUTS).load()
    with pytest.raises(SecretMissing, match="16 to 64 characters") as told:
        webhook_plan(settings, {"KEY": key})
    assert key not in str(told.value)


@pytest.mark.parametrize(
    ("old", "new", "more", "key", "says"),
    [
        ("[admin]", "[admin]", "", "autotask.callouts", "public_url"),
        ("[admin]", PUBLIC.replace("https", "http"), "", "autotask.callouts", "https only"),
        ("[admin]", "[admin]", 'url = "http://x.example/c"', "autotask.callouts.url", "https URL"),
        ("[admin]", PUBLIC, "fields = []", "autotask.callouts.fields", "at least one"),
        ("[admin]", PUBLIC, 'fields = ["Staus"]', "autotask.callouts.fields.0", "Status"),
    ],
)
def test_what_cannot_work_is_refused(
    config: ConfigFile, old: str, new: str, more: str, key: str, says: str
) -> None:
    [fault] = config.replace(old, new).append(CALLOUTS + more).faults()
    assert (fault.key, says in fault.problem) == (key, True), fault
