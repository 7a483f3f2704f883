"""Addresses given on the command line."""

from __future__ import annotations

from typing import Any

import click

from alertd.ops.settings import parse_listen


class _Listen(click.ParamType[str]):
    name = "address"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        text = str(value)
        try:
            parse_listen(text)
        except ValueError:
            self.fail(f"{text!r} should be HOST:PORT such as 127.0.0.1:8080", param, ctx)
        return text


LISTEN = _Listen()
