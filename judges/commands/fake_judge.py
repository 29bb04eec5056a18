"""``biobench fake-judge``: a local chat server with scripted behaviours, to try judges and clients on."""

from __future__ import annotations

import ipaddress
import time

import click
from click.core import ParameterSource

__all__ = ["command"]


@click.command("fake-judge")
@click.option("--port", type=click.IntRange(0, 65535), default=8900, show_default=True, help="0 takes a free one.")
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="Another lets others in.")
@click.option(
    "--behaviour",
    "behaviours",
    multiple=True,
    metavar="NAME[:key=value,...]",
    help="What it does; several are applied in order [default: oracle].",
)
@click.option("--list", "listed", is_flag=True, help="Print the behaviours and their parameters.")
@click.pass_context
def command(ctx: click.Context, port: int, host: str, behaviours: tuple[str, ...], listed: bool) -> None:
    """Run a chat server of the OpenAI kind whose judge follows a script.

    It needs no model and no network. GET /counts says what it did; Ctrl-C stops it.
    """
    from judges.fake_server import BEHAVIOURS, FakeServer  # noqa: PLC0415 - h11, not needed for --help

    if listed:
        for behaviour in BEHAVIOURS.values():
            click.echo(f"{behaviour.usage()}\n    {behaviour.summary}")
        return
    meant = ctx.get_parameter_source("host") is ParameterSource.COMMANDLINE
    try:
        with FakeServer(*behaviours, host=host, port=port, reachable_by_others=meant) as server:
            if not ipaddress.ip_address(server.host).is_loopback:
                click.echo(f"note: {server.host} is more than this machine: others can reach this server", err=True)
            click.echo(
                f"{server.base_url} answers as {server.script}: give a judge --base-url {server.base_url} "
                f"--model fake-judge and any key; Ctrl-C stops it"
            )
            while True:
                time.sleep(3600)
    except KeyboardInterrupt:
        click.echo("stopped", err=True)
