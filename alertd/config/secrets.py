"""Secrets: from a reference in the configuration to the value, which never shows itself."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from alertd.autotask.credential import fits_header
from alertd.config.paths import dotted
from alertd.config.settings import Settings
from alertd.core.secret import Secret
from alertd.core.settings import SecretRef, Section

_CREDENTIALS = "CREDENTIALS_DIRECTORY"
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class SecretMissing(Exception):
    """A secret is not where the configuration says, or cannot be used. The text never holds its value."""


def resolve(ref: SecretRef, environ: Mapping[str, str]) -> Secret:
    """Return the secret that `ref` refers to; of a file, without its last line end.

    Raises:
        SecretMissing: It is not there, cannot be read, or is empty.
    """
    if ref.env is not None:
        value = environ.get(ref.env, "")
    elif ref.credential is not None:
        value = _from_file(ref, _credential_path(ref, ref.credential, environ))
    else:
        value = _from_file(ref, Path(ref.file or ""))
    if not value:
        raise SecretMissing(f"the secret {ref} is empty or not set; put its value there")
    return Secret(value)


def _credential_path(ref: SecretRef, name: str, environ: Mapping[str, str]) -> Path:
    directory = environ.get(_CREDENTIALS)
    if not directory:
        raise SecretMissing(
            f"the secret {ref} is a systemd credential, and this process has none; "
            f"start it from a unit with LoadCredential={name}:…, or refer to a file"
        )
    if "/" in name:
        raise SecretMissing(f"the secret {ref} should be the name of a credential, without /")
    return Path(directory) / name


def _from_file(ref: SecretRef, path: Path) -> str:
    try:
        text = path.read_bytes().decode()
    except UnicodeDecodeError:
        raise SecretMissing(f"the secret {ref} is not UTF-8 text") from None
    except OSError as exc:
        raise SecretMissing(f"the secret {ref} cannot be read: {exc.strerror}") from None
    except ValueError as exc:  # a path that no system call takes
        raise SecretMissing(f"the secret {ref} cannot be read: {exc}; name another file") from None
    return text.removesuffix("\n").removesuffix("\r")


def references(settings: Settings) -> Iterator[tuple[str, SecretRef]]:
    """Yield every secret that the configuration refers to, with its key, such as `admin.token`."""
    yield from _references(settings, ())


def _references(node: Any, path: tuple[str | int, ...]) -> Iterator[tuple[str, SecretRef]]:
    if isinstance(node, SecretRef):
        yield dotted(path), node
    elif isinstance(node, Section):
        for name in type(node).model_fields:
            yield from _references(getattr(node, name), (*path, name))
    elif isinstance(node, (list, tuple)):
        for number, each in enumerate(node):
            yield from _references(each, (*path, number))


def shared_tokens(settings: Settings, environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield pairs of sources that have the same token, as far as their tokens are there to be read."""
    owners: dict[Secret, str] = {}
    for source in settings.sources:
        for ref in source.token:
            try:
                owner = owners.setdefault(resolve(ref, environ), source.name)
            except SecretMissing:
                continue
            if owner != source.name:
                yield owner, source.name


def warnings(settings: Settings, environ: Mapping[str, str]) -> list[str]:
    """Return what is wrong with the secrets as they lie now: not there, unfit, or others can read them."""
    return [
        f"{key}: {why}" for key, ref in references(settings) if (why := _weakness(ref, environ)) is not None
    ]


def _weakness(ref: SecretRef, environ: Mapping[str, str]) -> str | None:
    try:
        secret = resolve(ref, environ)
    except SecretMissing as exc:
        return str(exc)
    if not fits_header(secret.reveal()):
        return f"the secret {ref} holds a control character such as a line break; write it again as one line"
    mode = Path(ref.file).stat().st_mode if ref.file is not None else 0
    return f"{ref.file} can be read by others; run: chmod 600 {ref.file}" if mode & _OTHERS else None
