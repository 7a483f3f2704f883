from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

from tests.cli.conftest import Cli


def test_it_serves_until_it_is_told_to_stop() -> None:
    command = [sys.executable, "-u", "-m", "alertd", "simulator", "--listen", "127.0.0.1:0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        found = re.fullmatch(r'zone_url = "(http://127\.0\.0\.1:\d+)/atservicesrest"\n', first)
        assert found is not None
        with urllib.request.urlopen(f"{found[1]}/__sim/state") as answer:
            assert answer.status == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def test_a_scenario_that_cannot_be_read_is_bad_usage(cli: Cli, tmp_path: Path) -> None:
    scenario = tmp_path / "scenario.toml"
    scenario.write_text("colour = 1\n")
    code, _, err = cli.bare("simulator", "--scenario", str(scenario))
    assert code == 2
    assert "colour" in err
    assert err.count("\n") == 1


def test_an_address_that_is_taken_is_one_line(cli: Cli) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, _, err = cli.bare("simulator", "--listen", f"127.0.0.1:{taken.getsockname()[1]}")
    assert code == 1
    assert "cannot listen on" in err
    assert err.count("\n") == 1
