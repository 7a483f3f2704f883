from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from alertd.config.faults import ConfigError, Fault
from alertd.config.loading import file_hash, load, load_untested
from tests.config.conftest import ConfigFile

EXAMPLES = Path(__file__).parents[2] / "config"


@pytest.mark.parametrize("name", ["alertd.example.toml", "alertd.minimal.toml"])
def test_the_examples_load(name: str) -> None:
    settings = load(EXAMPLES / name, {})
    assert settings.route.board == "noc"


def test_the_least_that_works_has_the_defaults_of_the_design(config: ConfigFile) -> None:
    settings = config.load()
    assert settings.instance == "alertd"
    assert settings.server.listen == "127.0.0.1:8080"
    assert settings.admin.listen == "127.0.0.1:9876"
    assert settings.store.url == "sqlite:////var/lib/alertd/alertd.db"
    assert settings.sync.every == timedelta(seconds=60)
    assert settings.autotask.calls_per_hour == 4000
    assert settings.sources[0].name == "prometheus"
    assert settings.tests == []


def test_settings_cannot_be_changed(config: ConfigFile) -> None:
    with pytest.raises(ValidationError):
        config.load().instance = "other"  # type: ignore[misc]  # frozen: that is the point


def test_no_source_is_needed(config: ConfigFile) -> None:
    start, end = config.text.index("[[sources]]"), config.text.index("[[boards]]")
    config.text = config.text[:start] + config.text[end:]
    assert config.load().sources == []


@pytest.mark.parametrize(
    ("old", "new", "key", "says"),
    [
        ("queue = 5", "queue = 5\ncolour = 1", "boards.0.colour", "unknown key"),
        ("queue = 5", "queue = 5\ntag = []", "boards.0.tag", "did you mean tags?"),
        ("queue = 5", "queue = 5.5", "boards.0.queue", "Board ID"),
        ("queue = 5", "", "boards.0.queue", "is missing"),
        ("queue = 5", 'queue = 5\nname_ = "x"', "boards.0.name_", "did you mean name?"),
        ("queue = 5", "queue = 5\ntags = 7", "boards.0.tags", "should be a list"),
        ("queue = 5", "queue = 5\ntags = [7]", "boards.0.tags.0", "text in quotes"),
        ("queue = 5", "queue = 5\npriority = { critcal = 1 }", "boards.0.priority.critcal", "'critical'"),
        ("queue = 5", "queue = 5\nstatus = 7", "boards.0.status", "should be a table"),
        ("queue = 5", "queue = 5\nsource = 1.5", "boards.0.source", "a whole number, or text in quotes"),
        ("queue = 5", "queue = 5\ntitle_template = '{{ titel }}'", "boards.0.title_template", "titel"),
        (
            "queue = 5",
            "queue = 5\ndescription_template = '{% if %}'",
            "boards.0.description_template",
            "not work",
        ),
        ('board = "noc"', 'board = "nocc"', "route.board", "there is no board 'nocc'; there are noc"),
        (
            'board = "noc"',
            'board = "noc"\nclose = "maybe"',
            "route.close",
            "'untouched', 'always' or 'never'",
        ),
        ('board = "noc"', 'board = "noc"\nhold = 5', "route.hold", '"15m"'),
        ('board = "noc"', 'board = "noc"\nhold = "5 minutes"', "route.hold", '"15m"'),
        ('board = "noc"', 'board = "noc"\nmatchers = ["a=b"]', "route", "takes every alert"),
        ('kind = "alertmanager"', 'kind = "alertmanger"', "sources.0.kind", "'alertmanager'"),
        ('kind = "alertmanager"', "", "sources.0.kind", "is missing; it is one of 'alertmanager'"),
        ('kind = "alertmanager"', 'kind = "alertmanager"\nboard = "x"', "sources.0.board", "no board 'x'"),
        ('kind = "alertmanager"', 'kind = "alertmanager"\nsplit = "x"', "sources.0.split", "another kind"),
        (
            'kind = "alertmanager"',
            'kind = "alertmanager"\nheartbeat = "1h"',
            "sources.0.heartbeat",
            "unknown key",
        ),
        ('name = "prometheus"', 'name = "pro me"', "sources.0.name", "letters, digits"),
        ('name = "prometheus"', 'name = "api"', "sources.0.name", "kept for"),
        ('name = "prometheus"', 'name = ["x"]', "sources.0.name", "text in quotes"),
        ('name = "prometheus"', "name = { x = 1 }", "sources.0.name", "text in quotes"),
        (
            "[admin]",
            "[store]\nkeep_journal = '99999999999999999999d'\n[admin]",
            "store.keep_journal",
            "too long",
        ),
        ("[admin]", '[server]\nlisten = "x\\u0000:80"\n[admin]', "server.listen", "127.0.0.1:8080"),
        ("[admin]", '[server]\nlisten = "unix:/x\\u0000"\n[admin]', "server.listen", "127.0.0.1:8080"),
        ("[admin]", '[admin]\nlisten = "x\\u0000:80"', "admin.listen", "127.0.0.1:9876"),
        ('name = "noc"', 'name = ""', "boards.0.name", "may not be empty"),
        ("username =", "user =", "autotask.user", "did you mean username?"),
        ("api-user@", "api\\n@", "autotask.username", "control character"),
        ("username =", "fallback_board = 'x'\nusername =", "autotask.fallback_board", "no board 'x'"),
        ("username =", "calls_in_flight = 4\nusername =", "autotask.calls_in_flight", "at most 3"),
        ("username =", "calls_per_hour = 0\nusername =", "autotask.calls_per_hour", "at least 1"),
        ("username =", "calls_per_hour = 1.5\nusername =", "autotask.calls_per_hour", "a whole number"),
        ("username =", "calls_per_hour = true\nusername =", "autotask.calls_per_hour", "a whole number"),
        ("[admin]", "[server]\nmax_body = '1PiB'\n[admin]", "server.max_body", '"256KiB"'),
        ("[admin]", "[server]\nlisten = 'x'\n[admin]", "server.listen", "127.0.0.1:8080"),
        ("[admin]", "[server]\nlisten = '127.0.0.1:9876'\n[admin]", "admin.listen", None),
        ("[admin]", "[sync]\nevery = '0s'\n[admin]", "sync.every", "at least 1s"),
        ("[admin]", "instance = ''\n[admin]", "instance", "letters, digits"),
        ("[admin]", "colour = 1\n[admin]", "colour", "unknown key; there are admin, autotask"),
        ("[admin]", "[admin]\nmetrics_need_token = 'no'", "admin.metrics_need_token", "true or false"),
        ("[route]", "[rout]", "rout", "did you mean route?"),
    ],
)
def test_each_fault_names_its_key_and_what_is_wrong(
    config: ConfigFile, old: str, new: str, key: str, says: str | None
) -> None:
    config.replace(old, new)
    said = {fault.key: fault.problem for fault in config.faults()}
    assert key in said
    if says is not None:
        assert says in said[key]


@pytest.mark.parametrize("table", ["[billing]", "[notify]"])
def test_tables_of_later_releases_are_refused_and_say_so(config: ConfigFile, table: str) -> None:
    fault = config.append(f"{table}\nx = 1\n").fault()
    assert fault.key == table.strip("[]")
    assert "unknown key" in fault.problem
    assert "comes with a later release" in fault.problem
    assert fault.line == config.line_of(table)


@pytest.mark.parametrize("table", ["autotask", "boards", "route"])
def test_a_missing_table_is_named(config: ConfigFile, table: str) -> None:
    config.text = config.text.replace(f"[{table}]", f"[{table}x]")
    problems = [fault.problem for fault in config.faults() if fault.key == table]
    assert problems
    assert "is missing" in problems[0]


def test_every_fault_is_told_at_once_with_its_line_and_in_the_order_of_the_file(config: ConfigFile) -> None:
    config.replace('username = "api-user@example.com"', "username = 5")
    config.replace("queue = 5", 'queue = ""')
    config.replace('kind = "alertmanager"', 'kind = "alertmanager"\nboard = "x"')
    config.replace('[route]\nboard = "noc"', '[route]\nboard = "other"\nhold = "x"')
    faults = config.faults()
    assert [(fault.line, fault.key) for fault in faults] == [
        (config.line_of("username = 5"), "autotask.username"),
        (config.line_of('board = "x"'), "sources.0.board"),
        (config.line_of('queue = ""'), "boards.0.queue"),
        (config.line_of('board = "other"'), "route.board"),
        (config.line_of('hold = "x"'), "route.hold"),
    ]
    assert str(faults[0]) == f"{config.path}:5: autotask.username: should be text in quotes"


def test_the_error_is_its_faults_a_line_each(config: ConfigFile) -> None:
    config.replace("queue = 5", "queue = 5\nx = 1\ny = 2")
    with pytest.raises(ConfigError) as caught:
        config.load()
    assert len(str(caught.value).splitlines()) == len(caught.value.faults) == 2


def test_what_is_missing_has_the_line_of_its_table(config: ConfigFile) -> None:
    fault = config.append('[[boards]]\nname = "second"\n').fault()
    assert fault.key == "boards.1.queue"
    assert fault.line == config.line_of('"second"') - 1


def test_a_syntax_error_has_line_and_column(config: ConfigFile) -> None:
    fault = config.append("x = = 1\n").fault()
    assert (fault.line, fault.column) == (config.line_of("x = ="), 5)
    assert "is not TOML" in fault.problem
    assert str(fault).startswith(f"{config.path}:{fault.line}:5: ")


def test_a_file_that_is_not_there_is_one_readable_fault(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none.toml: cannot be read: No such file.*--config") as caught:
        load(tmp_path / "none.toml", {})
    assert len(caught.value.faults) == 1


def test_a_file_in_another_encoding_is_one_readable_fault(tmp_path: Path) -> None:
    path = tmp_path / "latin.toml"
    path.write_bytes("a = 1\nb = 'é'\n".encode("latin-1"))
    with pytest.raises(ConfigError, match=r"latin.toml:2: is not UTF-8"):
        load(path, {})


def test_a_byte_order_mark_and_windows_line_ends_are_taken(config: ConfigFile) -> None:
    config.path.write_bytes(b"\xef\xbb\xbf" + config.text.replace("\n", "\r\n").encode())
    assert load(config.path, {}).route.board == "noc"


def test_lines_are_right_with_windows_line_ends(config: ConfigFile) -> None:
    config.replace("queue = 5", "queue = 5\nx = 1")
    config.path.write_bytes(config.text.replace("\n", "\r\n").encode())
    with pytest.raises(ConfigError) as caught:
        load(config.path, {})
    assert caught.value.faults[0].line == config.line_of("x = 1")


def test_names_of_boards_sources_tests_and_routes_are_unique(config: ConfigFile) -> None:
    config.append(
        "[[route.routes]]\nname = 'a'\n[[route.routes]]\nname = 'a'\n"
        "[[boards]]\nname = 'noc'\nqueue = 6\n"
        "[[sources]]\nname = 'prometheus'\nkind = 'alertmanager'\ntoken = { env = 'B' }\n"
    )
    said = {fault.key: fault.problem for fault in config.faults()}
    assert said.keys() == {"route", "boards.1.name", "sources.1.name"}
    assert "another board" in said["boards.1.name"]
    assert "another source" in said["sources.1.name"]
    assert "two routes have the same name: a" in said["route"]


def test_boards_of_routes_below_routes_are_checked(config: ConfigFile) -> None:
    config.append("[[route.routes]]\nname = 'a'\n[[route.routes.routes]]\nname = 'b'\nboard = 'gone'\n")
    fault = config.fault()
    assert fault.key == "route.routes.0.routes.0.board"
    assert fault.line == config.line_of("'gone'")


def test_two_sources_may_not_refer_to_one_token(config: ConfigFile) -> None:
    config.append("[[sources]]\nname = 'b'\nkind = 'alertmanager'\ntoken = { env = 'PROMETHEUS_TOKEN' }\n")
    fault = config.fault()
    assert fault.key == "sources.1.token"
    assert "prometheus has the same token" in fault.problem


def test_two_sources_may_not_have_one_token_by_different_names(config: ConfigFile) -> None:
    config.append("[[sources]]\nname = 'b'\nkind = 'alertmanager'\ntoken = [{ env = 'B' }, { env = 'C' }]\n")
    config.environ = {"PROMETHEUS_TOKEN": "hunter2", "B": "other", "C": "hunter2"}
    fault = config.fault()
    assert fault.key == "sources.1.token"
    assert "hunter2" not in str(fault)


def test_tokens_that_are_wrong_altogether_are_not_called_the_same(config: ConfigFile) -> None:
    config.replace('{ env = "PROMETHEUS_TOKEN" }', '"hunter2"')
    config.append("[[sources]]\nname = 'b'\nkind = 'alertmanager'\ntoken = 'hunter2'\n")
    assert all("same token" not in fault.problem for fault in config.faults())


def test_two_listeners_may_both_take_any_port(config: ConfigFile) -> None:
    config.replace("[admin]", "[server]\nlisten = '127.0.0.1:0'\n[admin]\nlisten = '127.0.0.1:0'")
    assert config.load().admin.listen == config.load().server.listen


def test_a_source_may_not_have_the_admin_token(config: ConfigFile) -> None:
    config.replace('{ env = "PROMETHEUS_TOKEN" }', '{ file = "/etc/alertd/admin-token" }')
    assert "[admin] has the same token" in config.fault().problem


@pytest.mark.parametrize("written", ['"hunter2"', '["hunter2"]'])
def test_a_secret_written_into_the_file_gets_help_and_is_not_repeated(
    config: ConfigFile, written: str
) -> None:
    config.replace('{ env = "PROMETHEUS_TOKEN" }', written)
    fault = config.fault()
    assert "{ file =" in fault.problem
    assert "{ env =" in fault.problem
    assert "hunter2" not in str(fault)


def test_a_secret_in_the_wrong_key_is_not_repeated(config: ConfigFile) -> None:
    config.replace('{ env = "AUTOTASK_SECRET" }', '{ value = "hunter2" }')
    assert all("hunter2" not in str(fault) for fault in config.faults())


def test_a_fault_inside_a_value_that_spans_lines_has_the_line_where_it_begins(config: ConfigFile) -> None:
    config.append("[[tests]]\nname = 'x'\nalert = { a = 'b' }\nexpect = { tags = [\n  'a',\n  5,\n] }\n")
    fault = config.fault()
    assert fault.key == "tests.0.expect.tags.1"
    assert fault.line == config.line_of("expect =")


def test_the_short_form_of_a_field_is_named_by_its_key(config: ConfigFile) -> None:
    config.append(
        "[[sources]]\nname = 'm'\nkind = 'mapped'\ntoken = { env = 'M' }\n"
        "title = 'a['\nkey = ['ok', { path = 'b[' }]\nclient = { path = 'x', regexx = 'y' }\n"
    )
    assert {fault.key for fault in config.faults()} == {
        "sources.1.title",
        "sources.1.key.1.path",
        "sources.1.client.regexx",
    }
    assert all("\n" not in fault.problem for fault in config.faults())


FAILING = "[[tests]]\nname = 'to the moon'\nalert = { source = 'x' }\nexpect = { board = 'moon' }\n"


def test_a_failing_test_refuses_the_file(config: ConfigFile) -> None:
    fault = config.append(FAILING).fault()
    assert fault.key == "tests.0"
    assert fault.line == config.line_of("[[tests]]")
    assert "to the moon: expected board moon, found noc" in fault.problem


def test_a_failing_test_can_be_looked_into(config: ConfigFile) -> None:
    config.append(FAILING)
    config.path.write_text(config.text)
    assert load_untested(config.path, {}).tests[0].name == "to the moon"


def test_the_hash_follows_the_content_and_the_order(tmp_path: Path) -> None:
    a, b = tmp_path / "a", tmp_path / "b"
    a.write_text("x = 1")
    b.write_text("y = 1")
    first = file_hash([a, b])
    assert len(first) == 64
    assert file_hash([b, a]) != first
    a.write_text("x = 2")
    assert file_hash([a, b]) != first


def test_a_fault_without_a_key_prints_without_it() -> None:
    assert str(Fault("f", 0, "", "is bad")) == "f: is bad"
    assert str(Fault("f", 3, "a.b", "is bad")) == "f:3: a.b: is bad"
