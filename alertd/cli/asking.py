"""Questions to the running daemon, or, where none runs, to its store."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import click

from alertd import app
from alertd.cli.admin_api import AdminApi, NoAdminToken, NotRunning
from alertd.cli.options import config_path
from alertd.cli.quiet import only_errors
from alertd.config.loading import load_untested
from alertd.config.secrets import resolve
from alertd.config.settings import Settings

Question: TypeAlias = Callable[[Any], Awaitable[Any]]


def ask(*path: str, offline: Question, **query: Any) -> Any:
    """Return what the daemon answers at `/api/v1/<path>`, or what its store says if it does not run.

    Args:
        path: Parts of the path.
        offline: The same question to `alertd.app`'s read-only operations.
        query: Parameters of the request; those that are None are left out.
    """
    settings = load_untested(config_path(), os.environ)
    try:
        return _api(settings).get(*path, **query)
    except NotRunning:
        click.echo("alertd does not run; this is what its store says.", err=True)
        only_errors()
        return asyncio.run(_ask_store(settings, offline))


def tell(*path: str, body: Any = None) -> Any:
    """Ask the running daemon for a change, `body` being what to change, as JSON can say it.

    Raises:
        NotRunning: There is none.
    """
    return _api(load_untested(config_path(), os.environ)).post(*path, body=body)


def change_maps(*path: str, offline: Question, document: object = None) -> Any:
    """Have the daemon change or search a map; where none runs, do it here, holding the store.

    Args:
        path: Parts of the path below `/api/v1/maps`; without a document they are read.
        offline: The same request to `alertd.app`'s maps.
        document: The body of the request.

    Raises:
        MapRefused: Nothing was changed.
    """
    settings = load_untested(config_path(), os.environ)
    try:
        api = _api(settings)
        return api.get("maps", *path) if document is None else api.post("maps", *path, body=document)
    except NotRunning:
        click.echo("alertd does not run; its store is used directly.", err=True)
        only_errors()
        return asyncio.run(_ask_maps(settings, offline))


async def _ask_maps(settings: Settings, question: Question) -> Any:
    async with app.offline_maps(settings) as maps:
        return await question(maps)


def _api(settings: Settings) -> AdminApi:
    if settings.admin.token is None:
        raise NoAdminToken
    return AdminApi(settings.admin.listen, resolve(settings.admin.token, os.environ))


async def _ask_store(settings: Settings, question: Question) -> Any:
    async with app.offline_operations(settings) as operations:
        return await question(operations)
