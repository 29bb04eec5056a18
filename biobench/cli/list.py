"""``biobench list``: what there is by name, and which package brought it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from biobench.judging import Judge
    from biobench.metrics.base import Metric
    from biobench.models import Model
    from biobench.protocols import Protocol
    from biobench.registry import Registry

__all__ = ["command"]


@click.command("list")
@click.argument("what", type=click.Choice(["metrics", "protocols", "models", "judges"]))
def command(what: str) -> None:
    """List metrics, protocols, models or judges, those of other packages included."""
    from biobench import registry  # noqa: PLC0415 - keeps --help fast
    from biobench.judging import judges  # noqa: PLC0415
    from biobench.models import models  # noqa: PLC0415

    listed: Registry[Metric] | Registry[Protocol] | Registry[Model] | Registry[Judge]
    if what == "metrics":
        listed = registry.metrics()
    elif what == "protocols":
        listed = registry.protocols()
    elif what == "models":
        listed = models()
    else:
        listed = judges()
    width = max(map(len, listed.all), default=0)
    for name, found in listed.all.items():
        first_line = (found.__doc__ or "").strip().partition("\n")[0]
        click.echo(f"{name:<{width}}  {listed.origins[name]:<10}  {first_line}")
    for broken in listed.broken:
        click.echo(f"biobench: broken plug-in {broken}", err=True)
