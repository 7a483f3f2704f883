"""Inhibition on a real process, by the simulator's books: through a kill, a reload and a release."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.system.site import a_site, accounted, alert
from tests.system.test_silences import in_state, incidents

pytestmark = pytest.mark.system

RULES = """
[[inhibit]]
name = "site down"
source_matchers = ['alertname="SiteDown"']
target_matchers = ['severity="warning"', 'alertname!="SiteDown"']
equal = ["site"]
"""
OTHERS = """
[[inhibit]]
source_matchers = ['alertname="SiteDown"']
target_matchers = ['instance=~"fs01.*"']
"""


def hosts(tickets: list[dict[str, Any]]) -> list[str]:
    return sorted(ticket["title"].rpartition(" ")[2] for ticket in tickets)


async def test_from_site_down_to_release(tmp_path: Path) -> None:
    down = {"alertname": "SiteDown", "site": "ottawa"}
    async with a_site(tmp_path, more=RULES) as site:
        await site.start()
        await site.post(*(alert(f"fs0{n}", site="ottawa") for n in (1, 2, 3)), alert("fw1", **down))
        await site.post(alert("fs09", site="ottawa", severity="critical"))
        await in_state(site, "inhibited", "fs01", "fs02", "fs03")
        status = await site.settled()
        assert hosts(site.tickets) == ["fs09", "fw1"]
        assert status["alerts"]["inhibited"] == 3
        metrics = (await site.ask("/metrics"))[1]
        assert 'alertd_alerts{state="inhibited"} 3.0' in metrics
        assert 'alertd_incidents{state="inhibited"} 3.0' in metrics
        assert 'alertmanager_alerts{state="suppressed"} 3.0' in metrics
        [parent] = [each for each in site.tickets if each["title"].endswith("fw1")]
        told = parent["description"] + "".join(note["description"] for note in parent["notes"])
        assert "Held back while this fires: 3 alerts\n- fs01: Disk D: on fs01 is full [warning]" in told

        shown = {each["labels"]["host"]: each for each in json.loads((await site.ask("/api/v2/alerts"))[1])}
        assert shown["fs01"]["status"]["state"] == "suppressed"
        assert shown["fs01"]["status"]["inhibitedBy"] == [shown["fw1"]["fingerprint"]]
        assert shown["fw1"]["status"]["inhibitedBy"] == []
        original = json.loads((await site.ask("/api/v2/status"))[1])["config"]["original"]
        assert 'equal: ["site"]' in original
        code, said = await site.run("explain", shown["fs01"]["fingerprint"])
        assert code == 0
        assert "INHIBITED: Disk D: on fs01 is full" in said
        assert "Next       inhibited by Disk D: on fw1 is full, by rule site down; if it still fires" in said
        assert f"inhibited (by {shown['fw1']['fingerprint']}, said Disk D: on fw1 is full" in said

        await site.kill()  # what inhibits, and what it holds back, is all in the store
        await site.start()
        await site.post(*(alert(f"fs0{n}", site="ottawa") for n in (1, 2, 4)))
        await in_state(site, "inhibited", "fs01", "fs02", "fs03", "fs04")
        await site.post(alert("fs03", firing=False, site="ottawa"))
        await site.settled()
        assert "fs03" not in await incidents(site)  # it is over
        assert hosts(site.tickets) == ["fs09", "fw1"]

        site.configure(more=OTHERS)
        site.process.send_signal(signal.SIGHUP)  # type: ignore[union-attr] # it runs
        await in_state(site, "open", "fs02", "fs04")
        assert (await incidents(site))["fs01"]["state"] == "inhibited"
        await site.post(alert("fw1", firing=False, **down))
        await in_state(site, "open", "fs01")
        await site.settled()
        assert hosts(site.tickets) == ["fs01", "fs02", "fs04", "fs09", "fw1"]
        [late] = [each for each in site.tickets if each["title"].endswith("fs01")]
        assert "\nInhibited by Disk D: on fw1 is full, by rule " in late["description"]
        assert accounted(site.walk(), site.tickets)
        assert site.walk()["cleared_unticketed"] == 2


async def test_a_reload_that_is_refused_says_why(tmp_path: Path) -> None:
    async with a_site(tmp_path, more=RULES.replace("""['alertname="SiteDown"']""", "[]")) as site:
        code, said = await site.run("config", "check")
        assert code == 2
        assert "inhibit" in said
        assert "source_matchers" in said
        assert "at least one matcher" in said
