from __future__ import annotations

from pathlib import Path

import pytest

from alertd.config.secrets import SecretMissing, references, resolve, warnings
from alertd.core.settings import SecretRef
from tests.config.conftest import ConfigFile


def test_a_file_is_read_without_its_one_last_line_end(tmp_path: Path) -> None:
    path = tmp_path / "token"
    for content, value in ((b"abc\n", "abc"), (b"abc\r\n", "abc"), (b"abc\n\n", "abc\n"), (b" abc", " abc")):
        path.write_bytes(content)
        assert resolve(SecretRef(file=str(path)), {}).reveal() == value


def test_an_environment_variable_is_taken_as_it_is() -> None:
    assert resolve(SecretRef(env="X"), {"X": " abc\n"}).reveal() == " abc\n"


def test_a_credential_is_a_file_of_the_unit(tmp_path: Path) -> None:
    (tmp_path / "code").write_text("abc\n")
    assert resolve(SecretRef(credential="code"), {"CREDENTIALS_DIRECTORY": str(tmp_path)}).reveal() == "abc"


@pytest.mark.parametrize(
    ("ref", "says"),
    [
        (SecretRef(file="/nowhere/token"), r'file = "/nowhere/token".*No such file'),
        (SecretRef(file="/etc/\0"), r"embedded null byte"),
        (SecretRef(env="GONE"), r'env = "GONE".*not set'),
        (SecretRef(env="EMPTY"), r'env = "EMPTY".*empty'),
        (SecretRef(credential="code"), r'credential = "code".*LoadCredential=code'),
    ],
)
def test_what_is_missing_is_named(ref: SecretRef, says: str) -> None:
    with pytest.raises(SecretMissing, match=says):
        resolve(ref, {"EMPTY": ""})


def test_a_credential_is_a_name_and_not_a_path(tmp_path: Path) -> None:
    with pytest.raises(SecretMissing, match="without /"):
        resolve(SecretRef(credential="../shadow"), {"CREDENTIALS_DIRECTORY": str(tmp_path)})


def test_an_empty_file_and_one_that_is_no_text_are_missing(tmp_path: Path) -> None:
    path = tmp_path / "token"
    for content in (b"", b"\n", b"\xff\xfe"):
        path.write_bytes(content)
        with pytest.raises(SecretMissing) as caught:
            resolve(SecretRef(file=str(path)), {})
        assert caught.value.__cause__ is None


def test_every_reference_is_found_with_its_key(config: ConfigFile) -> None:
    found = {key: str(ref) for key, ref in references(config.load())}
    assert found == {
        "admin.token": '{ file = "/etc/alertd/admin-token" }',
        "autotask.secret": '{ env = "AUTOTASK_SECRET" }',
        "autotask.integration_code": '{ env = "AUTOTASK_CODE" }',
        "sources.0.token.0": '{ env = "PROMETHEUS_TOKEN" }',
    }


def test_secrets_that_others_can_read_or_that_are_missing_are_warned_of(
    config: ConfigFile, tmp_path: Path
) -> None:
    path = tmp_path / "token"
    path.write_text("hunter2")
    path.chmod(0o640)
    config.replace("/etc/alertd/admin-token", str(path))
    environ = {"AUTOTASK_SECRET": "hunter2", "PROMETHEUS_TOKEN": "hunter3"}
    said = warnings(config.load(), environ)
    assert len(said) == 2
    assert said[0] == f"admin.token: {path} can be read by others; run: chmod 600 {path}"
    assert said[1].startswith("autotask.integration_code: the secret")
    assert "hunter" not in "".join(said)
    path.chmod(0o600)
    assert len(warnings(config.load(), environ)) == 1


def test_secrets_that_no_header_can_carry_are_warned_of(config: ConfigFile, tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("hunter2\n\n")
    path.chmod(0o600)
    config.replace("/etc/alertd/admin-token", str(path))
    environ = {"AUTOTASK_SECRET": "hunter2\x7f", "AUTOTASK_CODE": "hunter3 é", "PROMETHEUS_TOKEN": "hunter4"}
    said = warnings(config.load(), environ)
    assert [line.partition(":")[0] for line in said] == ["admin.token", "autotask.secret"]
    assert all("control character such as a line break" in line for line in said)
    assert f'file = "{path}"' in said[0]
    assert "hunter" not in "".join(said)
