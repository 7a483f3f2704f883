"""What is handed over beside the code keeps its promises: units, image, locks, wheel, README, alert rules."""

from __future__ import annotations

import email
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tomli
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import alertd
from alertd.config.loading import load

ROOT = Path(__file__).parents[2]
UNITS = ROOT / "systemd"
SERVICES = ("alertd.service", "alertd@.service")
LOCKS = ("run.txt", "calendar.txt", "build.txt", "dev.txt")
ACCEPTED_EXPOSURE = 12  # tenths; the promise is 15
FindBinary = Callable[[str], Path]

PROJECT: dict[str, Any] = tomli.loads((ROOT / "pyproject.toml").read_text())


def text(name: str) -> str:
    return (ROOT / name).read_text()


def run(*command: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=50, **options)


# systemd


def directives(unit: str) -> list[tuple[str, str]]:
    lines = [line for line in (UNITS / unit).read_text().splitlines() if line and line[0] not in "#["]
    return [(key, value) for key, _, value in (line.partition("=") for line in lines)]


def values(unit: str, key: str) -> list[str]:
    return [value for name, value in directives(unit) if name == key]


@pytest.mark.system
@pytest.mark.parametrize("unit", SERVICES)
def test_a_unit_is_exposed_to_little(find_binary: FindBinary, unit: str) -> None:
    threshold = f"--threshold={ACCEPTED_EXPOSURE}"
    result = run(find_binary("systemd-analyze"), "security", "--offline=true", threshold, UNITS / unit)
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr


@pytest.mark.system
def test_systemd_understands_every_unit_without_a_warning(find_binary: FindBinary, tmp_path: Path) -> None:
    analyze = find_binary("systemd-analyze")
    for unit in UNITS.iterdir():
        body = unit.read_text().replace("/opt/alertd/current/bin/alertd", sys.executable)
        (tmp_path / unit.name).write_text(body)
    units = ("alertd.service", "alertd.socket", "alertd@contoso.service")
    result = run(analyze, "verify", "--man=no", *(tmp_path / unit for unit in units))
    assert (result.returncode, result.stdout + result.stderr) == (0, "")


@pytest.mark.parametrize("unit", SERVICES)
@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("Type", "notify"),
        ("NotifyAccess", "main"),
        ("WatchdogSec", "30"),
        ("ExecReload", "/bin/kill -HUP $MAINPID"),
        ("Restart", "always"),
        ("StartLimitIntervalSec", "0"),
        ("RestartPreventExitStatus", "2 65 78"),
        ("TimeoutStopSec", "90"),
        ("UMask", "0077"),
        ("StateDirectoryMode", "0700"),
    ],
)
def test_a_unit_keeps_to_the_daemons_contract(unit: str, key: str, value: str) -> None:
    assert values(unit, key) == [value]


@pytest.mark.parametrize("unit", SERVICES)
def test_a_unit_lets_the_daemon_reach_autotask_and_export_process_metrics(unit: str) -> None:
    families = values(unit, "RestrictAddressFamilies")[0].split()
    assert {"AF_INET", "AF_INET6", "AF_UNIX"} == set(families)
    assert "any" not in values(unit, "IPAddressDeny")[0].split()
    assert not values(unit, "PrivateNetwork")
    assert not values(unit, "ProcSubset")


def test_the_template_differs_from_the_unit_in_its_names_only() -> None:
    def comparable(unit: str) -> list[tuple[str, str]]:
        kept = [pair for pair in directives(unit) if pair[0] not in {"Description", "Also"}]
        return [(key, value.replace("-%i", "")) for key, value in kept]

    assert comparable("alertd@.service") == comparable("alertd.service")
    own = [value for _, value in directives("alertd@.service") if "alertd" in value]
    shared = {"/opt/alertd/current/bin/alertd run"}
    assert [value for value in own if "%i" not in value and value not in shared and "doc" not in value] == []


def test_the_socket_holds_many_waiting_senders_on_loopback() -> None:
    assert values("alertd.socket", "ListenStream") == ["127.0.0.1:8080"]
    assert int(values("alertd.socket", "Backlog")[0]) >= 1024


def system_calls(analyze: Path, group: str) -> set[str]:
    lines = run(analyze, "syscall-filter", group).stdout.splitlines()[1:]
    names = {line.split("#")[0].strip() for line in lines} - {""}
    nested = {name for name in names if name.startswith("@")}
    return (names - nested).union(*(system_calls(analyze, name) for name in nested))


EXERCISE = """
import asyncio, mmap, sys
import aiohttp, msgspec, pydantic, re2, sqlalchemy, uvloop
from aiohttp import web
from prometheus_client import generate_latest

try:
    import pysqlite3 as sqlite3
except ImportError:
    import sqlite3

async def road(folder):
    async def answer(request):
        return web.json_response(await request.json())
    app = web.Application()
    app.router.add_post("/", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    async with aiohttp.ClientSession() as session:
        async with session.post(f"http://127.0.0.1:{port}/", json=[1]) as reply:
            assert await reply.json() == [1]
    await runner.cleanup()
    await asyncio.to_thread(commit, folder + "/alertd.db")
    assert re2.search("a(b+)", "xabbb")
    assert b"process_max_fds" in generate_latest()

def commit(path):
    connection = sqlite3.connect(path)
    connection.executescript("pragma journal_mode=wal; pragma synchronous=full")
    connection.execute("create table if not exists t (a)")
    connection.execute("insert into t values (1)")
    connection.commit()

asyncio.run(road(sys.argv[1]))
uvloop.run(road(sys.argv[1]))
try:
    mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC)
except PermissionError:
    print("ran inside the sandbox")
"""


def sandboxed(find_binary: FindBinary, *command: str | Path) -> subprocess.CompletedProcess[str]:
    analyze = find_binary("systemd-analyze")
    allowed: set[str] = set()
    for groups in values("alertd.service", "SystemCallFilter"):
        named = set().union(*(system_calls(analyze, group) for group in groups.lstrip("~").split()))
        allowed = allowed - named if groups.startswith("~") else allowed | named
    sandbox = Path(__file__).with_name("sandbox.py")
    return run(sys.executable, sandbox, sys.executable, *command, input=" ".join(sorted(allowed)), cwd=ROOT)


@pytest.mark.system
def test_what_the_daemon_is_made_of_runs_under_the_units_sandbox(
    find_binary: FindBinary, tmp_path: Path
) -> None:
    result = sandboxed(find_binary, "-c", EXERCISE, tmp_path)
    assert (result.returncode, result.stdout.strip()) == (0, "ran inside the sandbox"), result.stderr


@pytest.mark.system
def test_the_whole_road_runs_under_the_units_sandbox(find_binary: FindBinary) -> None:
    result = sandboxed(find_binary, "-m", "alertd", "demo", "--once")
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    assert "is accounted for" in result.stdout


# the image


def stages() -> list[list[tuple[str, str]]]:
    lines = [line for line in text("Dockerfile").splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\s*\\\n\s*", " ", "\n".join(lines))
    instructions = [(word, rest) for word, _, rest in (i.partition(" ") for i in joined.splitlines() if i)]
    starts = [n for n, (word, _) in enumerate(instructions) if word == "FROM"]
    return [instructions[a:b] for a, b in zip(starts, [*starts[1:], None], strict=True)]


def final(word: str) -> list[str]:
    return [rest for name, rest in stages()[-1] if name == word]


def test_the_image_has_two_stages_and_leaves_the_tools_in_the_first() -> None:
    assert len(stages()) == 2
    assert not re.search(
        r"\b(pip|gcc|g\+\+|build-essential|python3-venv|python3-dev|curl|wget)\b", *final("RUN")
    )
    assert final("COPY") == ["--from=build /opt/alertd /opt/alertd"]
    built = " ".join(rest for name, rest in stages()[0] if name == "RUN")
    assert "venv --without-pip /opt/alertd" in built
    assert (
        built.count("--require-hashes")
        == built.count("--only-binary :all:")
        == built.count("-r requirements")
        == 2
    )


def test_the_image_runs_as_nobody_special_and_stops_when_asked() -> None:
    assert final("USER") == ["10001:10001"]
    assert final("STOPSIGNAL") == ["SIGTERM"]
    assert final("ENTRYPOINT") == ['["alertd"]']
    assert final("CMD") == ['["run"]']
    assert final("HEALTHCHECK")[0].endswith('CMD ["alertd", "healthcheck"]')


def test_the_image_can_run_on_a_read_only_root() -> None:
    assert final("VOLUME") == ["/var/lib/alertd"]
    assert "PYTHONDONTWRITEBYTECODE=1" in final("ENV")[0]
    assert "install -d -o 10001 -g 10001 -m 0700 /var/lib/alertd" in final("RUN")[0]


def test_only_named_files_reach_the_builder_and_all_of_those_it_copies() -> None:
    rules = [line for line in text(".dockerignore").splitlines() if line and line[0] != "#"]
    assert rules[0] == "*"
    allowed = {rule[1:] for rule in rules if rule.startswith("!")}
    copied = [rest.split()[:-1] for name, rest in stages()[0] if name == "COPY"]
    assert {name for names in copied for name in names} == allowed
    assert all((ROOT / name).exists() for name in allowed)


# locks


def locked(name: str) -> dict[str, str]:
    pins = re.findall(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", text(f"requirements/{name}"), re.MULTILINE)
    return {canonicalize_name(package): version for package, version in pins}


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_pins_by_hash_and_names_no_address(name: str) -> None:
    body = text(f"requirements/{name}")
    entries = re.split(r"\n(?=[^\s#])", body)
    wanted = [entry for entry in entries if not entry.startswith("#")]
    assert len(wanted) >= len(locked(name)) - 1 > 0
    assert [
        entry for entry in entries[1:] if not re.match(r"\S+==\S+ .*\\\n +--hash=sha256:[0-9a-f]{64}", entry)
    ] == []
    assert not re.search(r"://|^-|--(extra-)?index-url|--find-links|--trusted-host", body, re.MULTILINE)


def dependencies() -> list[tuple[str, str]]:
    groups = PROJECT["dependency-groups"]
    extras = PROJECT["project"]["optional-dependencies"]
    named = {
        "run.txt": [*PROJECT["project"]["dependencies"], *extras["uvloop"]],
        "calendar.txt": [*PROJECT["project"]["dependencies"], *extras["uvloop"], *extras["calendar"]],
        "build.txt": groups["build"],
        "dev.txt": [entry for entry in groups["dev"] if isinstance(entry, str)],
    }
    return [(lock, entry) for lock, entries in named.items() for entry in entries]


@pytest.mark.parametrize(("lock", "entry"), dependencies())
def test_the_locks_are_as_new_as_pyproject(lock: str, entry: str) -> None:
    wanted = Requirement(entry)
    version = locked(lock).get(canonicalize_name(wanted.name))
    assert version, f"make lock: {wanted.name} is not in requirements/{lock}"
    assert wanted.specifier.contains(version), f"make lock: {wanted.name} {version} is not {wanted.specifier}"


def test_tests_run_with_the_very_releases_that_are_installed_on_servers() -> None:
    assert locked("run.txt").items() <= locked("calendar.txt").items() <= locked("dev.txt").items()
    assert locked("build.txt").items() <= locked("dev.txt").items()


def test_the_build_group_is_what_the_build_needs() -> None:
    assert PROJECT["dependency-groups"]["build"] == PROJECT["build-system"]["requires"]


# wheel and version


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("dist")
    result = run(
        sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder, cwd=ROOT
    )
    assert result.returncode == 0, result.stderr
    return zipfile.ZipFile(next(folder.glob("*.whl")))


def test_the_wheel_carries_everything_the_daemon_reads(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    package = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "alertd").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert package <= names
    assert any(name.startswith("alertd/store/migrations/versions/") for name in names)


def test_the_wheel_carries_units_rules_and_manual(wheel: zipfile.ZipFile) -> None:
    names = {name.partition(".data/data/")[2] for name in wheel.namelist()}
    assert {
        "share/alertd/systemd/alertd.service",
        "share/alertd/systemd/alertd.socket",
        "share/alertd/config/prometheus/alertd.rules.yml",
        "share/doc/alertd/operations.md",
    } <= names


def test_the_wheel_says_who_it_is(wheel: zipfile.ZipFile) -> None:
    prefix = f"alertd-{alertd.__version__}.dist-info"
    metadata = email.message_from_bytes(wheel.read(f"{prefix}/METADATA"))
    assert (metadata["Name"], metadata["Version"]) == ("alertd", alertd.__version__)
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"] == ">=3.11"
    assert b"alertd = alertd.cli:main" in wheel.read(f"{prefix}/entry_points.txt")
    assert b"Apache License" in wheel.read(f"{prefix}/licenses/LICENSE")


def test_the_changelog_knows_this_version() -> None:
    headings = re.findall(r"^## \[([^]]+)\]", text("CHANGELOG.md"), re.MULTILINE)
    assert alertd.__version__ in headings[:2]  # first, or below what is not released yet


# commands, documents, rules


def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):.*##", text("Makefile"), re.MULTILINE))


@pytest.mark.parametrize("name", ["README.md", "CHANGELOG.md", "docs/operations.md", ".ci/run"])
def test_every_make_command_that_is_written_down_exists(name: str) -> None:
    spans = re.findall(r"(?:`|^ *(?:step )?)make ((?:[a-z-]+ ?)+)", text(name), re.MULTILINE)
    assert {word for span in spans for word in span.split()} <= targets()


def test_readme_and_ci_say_the_same_two_commands() -> None:
    assert re.search(r"^ *make demo$", text("README.md"), re.MULTILINE)
    assert re.search(r"^ *make test$", text("README.md"), re.MULTILINE)
    assert "step make demo ARGS=--once" in text(".ci/run")
    assert "step make test check" in text(".ci/run")


def test_ci_can_be_started() -> None:
    assert (ROOT / ".ci/run").stat().st_mode & 0o111
    assert run("bash", "-n", ROOT / ".ci/run").returncode == 0


@pytest.mark.parametrize("document", ["README.md", "CHANGELOG.md", "docs/operations.md"])
def test_links_of_a_document_lead_somewhere(document: str) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text(document))
    assert [link for link in links if not ((ROOT / document).parent / link).exists()] == []


def snippets(document: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text(document), re.MULTILINE | re.DOTALL)


@pytest.mark.system
def test_alertmanager_takes_the_snippet_of_the_readme(find_binary: FindBinary, tmp_path: Path) -> None:
    (snippet,) = snippets("README.md", "yaml")
    (tmp_path / "alertmanager.yml").write_text(snippet)
    result = run(find_binary("amtool"), "check-config", tmp_path / "alertmanager.yml")
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.system
def test_prometheus_takes_the_snippet_of_the_manual(find_binary: FindBinary, tmp_path: Path) -> None:
    (snippet,) = snippets("docs/operations.md", "yaml")
    (tmp_path / "prometheus.yml").write_text(snippet.replace("/opt/alertd/current/share/alertd", str(ROOT)))
    result = run(find_binary("promtool"), "check", "config", tmp_path / "prometheus.yml")
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_configuration_in_the_readme_is_complete(tmp_path: Path) -> None:
    (snippet,) = snippets("README.md", "toml")
    (tmp_path / "alertd.toml").write_text(snippet)
    settings = load(tmp_path / "alertd.toml", {})
    assert [source.name for source in settings.sources] == ["prometheus"]


RULES = "config/prometheus/alertd.rules.yml"


@pytest.mark.system
def test_prometheus_takes_the_alert_rules(find_binary: FindBinary) -> None:
    result = run(find_binary("promtool"), "check", "rules", ROOT / RULES)
    assert result.returncode == 0, result.stdout + result.stderr


def made(name: str) -> str:
    """Return the pattern of the code that makes a metric; some share theirs with Alertmanager's prefix."""
    return rf'"(?:alertd|{{prefix}}){name.removeprefix("alertd")}"'


def test_alert_rules_read_only_metrics_that_exist() -> None:
    named = {name.removesuffix("_bucket") for name in re.findall(r"\balertd_\w+", text(RULES))}
    source = "".join(path.read_text() for path in (ROOT / "alertd").rglob("*.py"))
    assert [name for name in sorted(named) if not re.search(made(name), source)] == []


def test_every_alert_rule_has_its_page_in_the_runbook() -> None:
    alerts = re.findall(r"- alert: (\w+)", text(RULES))
    sections = re.findall(r"^### (\w+)$", text("docs/operations.md"), re.MULTILINE)
    assert [alert for alert in alerts if alert not in sections] == []


@pytest.mark.parametrize("code", [0, 1, 2, 65, 69, 74, 75, 78])
def test_the_runbook_explains_every_exit_code(code: int) -> None:
    assert re.search(rf"^\| {code} \|", text("docs/operations.md"), re.MULTILINE)
