"""``biobench list``: what there is by name, and which package brought it."""

from __future__ import annotations

import click

__all__ = ["command"]


@click.command("list")
@click.argument("what", type=click.Choice(["metrics", "protocols"]))
def command(what: str) -> None:
    """List metrics or protocols, those of other packages included."""
    from biobench import registry  # noqa: PLC0415 - keeps --help fast

    listed = registry.metrics() if what == "metrics" else registry.protocols()
    width = max(map(len, listed.all), default=0)
    for name, found in listed.all.items():
        first_line = (found.__doc__ or "").strip().partition("\n")[0]
        click.echo(f"{name:<{width}}  {listed.origins[name]:<10}  {first_line}")
    for broken in listed.broken:
        click.echo(f"biobench: broken plug-in {broken}", err=True)
