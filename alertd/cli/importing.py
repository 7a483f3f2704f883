"""`alertd import-alertmanager`: an existing alertmanager.yml as routes, boards, intervals and inhibitions."""

from __future__ import annotations

from pathlib import Path

import click

from alertd.cli.options import config_option, config_path
from alertd.config.importing.reading import read_alertmanager
from alertd.config.importing.translating import label_remarks
from alertd.config.importing.writing import as_configuration
from alertd.config.loading import board_names, read_text


@click.command("import-alertmanager")
@config_option
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="Write to this new file instead."
)
def import_alertmanager(file: Path, out: Path | None) -> int:
    """Print the tables of alertd.toml that do what the alertmanager.yml FILE does.

    What has no counterpart is told on standard error, line by line. Boards that the configuration has already
    are kept; of the others the queues are to be filled in.
    """
    imported = read_alertmanager(read_text(file), str(file))
    path = config_path()
    there = board_names(path) if path.exists() else frozenset[str]()
    text = as_configuration(imported, file=file.name, boards_there=there)
    for remark in sorted({*imported.remarks, *label_remarks(imported)}):
        click.echo(f"{file}:{remark.line}: {remark.key}: {remark.what}", err=True)
    if out is None:
        click.echo(text, nl=False)
    else:
        _write(out, text)
    return 0


def _write(out: Path, text: str) -> None:
    try:
        with out.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise click.UsageError(f"{out} is there already; name a new file with --out") from None
    except OSError as exc:
        raise click.UsageError(f"{out} cannot be written: {exc.strerror}") from None
