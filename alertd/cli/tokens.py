"""`alertd token new`: what the sender's kind needs, put where the configuration says."""

from __future__ import annotations

import os
import secrets
import sys
import tempfile
import uuid
from getpass import getpass
from pathlib import Path

import click

from alertd.cli.admin_api import NoAdminToken
from alertd.cli.options import config_option, config_path
from alertd.config.loading import load_untested
from alertd.config.settings import Settings
from alertd.core.settings import SecretRef
from alertd.core.sources import kinds

_BYTES = 32  # 43 characters
_MOST_GIVEN = 4096  # characters
# clients of these refuse a key of any other form
_MAKERS = {
    "gradient": lambda: ":".join(secrets.token_urlsafe(_BYTES) for _ in range(2)),  # a vendor's, a partner's
    "pagerduty": lambda: secrets.token_hex(16),
    "opsgenie": lambda: str(uuid.uuid4()),
    "goalert": lambda: str(uuid.uuid4()),
}


@click.group()
@config_option
def token() -> None:
    """Make a new token."""


@token.command()
@config_option
@click.argument("source", required=False)
@click.option("--admin", is_flag=True, help="For the admin API, the CLI and the web page.")
@click.option(
    "--force", is_flag=True, help="Replace the token that is there. Senders must be told the new one."
)
@click.option(
    "--from-stdin", is_flag=True, help="Take the token that the sender has made, from standard input."
)
def new(source: str | None, *, admin: bool, force: bool, from_stdin: bool) -> None:
    """Make a token for SOURCE, write it to the file that the configuration names, and print it once."""
    if admin == (source is not None):
        raise click.UsageError("name either a source or --admin")
    settings = load_untested(config_path(), os.environ)
    ref = _admin_ref(settings) if source is None else _source_ref(settings, source)
    if source is not None and not from_stdin:
        _refuse_if_given(settings, source)
    value = _given(ref) if from_stdin else _fresh(settings, source)
    if ref.file is None:
        # neither the environment nor the credentials of a process change while it runs
        click.echo(
            f"Put this where {ref} reads it; alertd cannot write there. Restart alertd then:", err=True
        )
    else:
        _write(Path(ref.file), value, force=force)
        how = "Restart" if admin else "Reload"  # the admin listener takes its token once
        rest = "." if from_stdin else "; it is not shown again:"
        click.echo(f"Written to {ref.file}. {how} alertd to use it{rest}", err=True)
    if not from_stdin:
        click.echo(value)


def _fresh(settings: Settings, name: str | None) -> str:
    """Return a new token of the form that the source's kind needs."""
    kind_by_name = {source.name: source.kind for source in settings.sources}
    make = _MAKERS.get(kind_by_name.get(name or "", ""))
    return make() if make else secrets.token_urlsafe(_BYTES)


def _admin_ref(settings: Settings) -> SecretRef:
    if settings.admin.token is None:
        raise NoAdminToken
    return settings.admin.token


def _source_ref(settings: Settings, name: str) -> SecretRef:
    """Return the place of the source's current token, which is its first."""
    found = next((source for source in settings.sources if source.name == name), None)
    if found is None:
        names = ", ".join(source.name for source in settings.sources) or "none"
        raise click.UsageError(f"there is no source {name!r}; there are {names}")
    return found.token[0]


def _refuse_if_given(settings: Settings, name: str) -> None:
    """Refuse to make a secret that the sender makes itself: none of ours would do."""
    source = next(each for each in settings.sources if each.name == name)
    signing = kinds.signing(source)
    if signing is not None and signing.is_given_by_sender:
        raise click.ClickException(
            f"the sender makes the secret of {name} itself: copy it there (it begins with whsec_), "
            f"run alertd token new {name} --from-stdin, and paste it"
        )


def _given(ref: SecretRef) -> str:
    """Return the line that stands on standard input."""
    if ref.file is None:
        raise click.UsageError(f"alertd cannot write to {ref}: put the token there yourself")
    try:
        line = getpass("Token: ") if sys.stdin.isatty() else sys.stdin.readline(_MOST_GIVEN + 1)
    except UnicodeDecodeError:
        line = ""
    value = line.strip()
    if not value or len(value) > _MOST_GIVEN or not value.isprintable():
        raise click.ClickException(
            "there is no token on standard input: one line, without control characters"
        )
    return value


def _write(path: Path, value: str, *, force: bool) -> None:
    """Put the token there whole or not at all, readable by its owner alone."""
    try:
        if not path.parent.is_dir():
            path.parent.mkdir(mode=0o750)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600
        try:
            _fill(handle, value, path)
            _move(name, path, force=force)
        finally:
            Path(name).unlink(missing_ok=True)
    except OSError as exc:
        raise click.ClickException(f"cannot write {path}: {exc.strerror}") from exc


def _fill(handle: int, value: str, path: Path) -> None:
    with os.fdopen(handle, "w") as file:
        file.write(f"{value}\n")
        file.flush()
        _give(file.fileno(), path)
        os.fsync(file.fileno())


def _give(file: int, path: Path) -> None:
    """Let root make tokens for the daemon's user: the owner is that of the old file, or of the directory."""
    if os.geteuid() == 0:
        owner = (path if path.exists() else path.parent).stat()
        os.chown(file, owner.st_uid, owner.st_gid)


def _move(name: str, path: Path, *, force: bool) -> None:
    if force:
        os.replace(name, path)
        return
    try:
        os.link(name, path)  # unlike a rename it never replaces what another process has just written
    except FileExistsError:
        raise click.ClickException(f"{path} holds a token already; --force replaces it") from None
