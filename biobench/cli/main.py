"""``biobench``: finds the command, runs it, and turns a user's mistake into a message and exit status 2.

``biobench --help`` must stay fast: it imports click and nothing heavier, and describes commands from the table below.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module

import click

from biobench import __version__
from biobench.cli.options import seen
from biobench.problems import ProblemsFound

__all__ = ["main"]

_COMMANDS = {
    "evaluate": "Score a predictions file.",
    "validate": "Check a predictions file, with every problem in one pass.",
    "compare": "Say which of several systems are surely better than which.",
    "power": "Say what difference between systems this benchmark can show.",
    "data": "Count what a benchmark folder holds and name its defects.",
    "predict": "Run a model or baseline on a benchmark.",
    "subtitles": "Write reference and prediction as WebVTT subtitles.",
    "synth": "Make a synthetic benchmark whose truth is known.",
    "convert-hsmr": "Convert HSMR's pickled poses to plain arrays.",
    "list": "List metrics, protocols, models and judges.",
}
_OF_OUR_PACKAGES = {
    "context": "Say what a video's poses show: repetitions and faults.",
    "augment": "Rewrite remarks with measured facts, checked.",
    "train": "Train a model on a benchmark's remarks.",
    "claims": "Show what a remark claims about the body.",
    "judge": "Ask a language model whether feedback is right.",
    "study": "Study whether a judge or a metric may be believed.",
    "fake-judge": "Run a chat server whose judge follows a script.",
    "submit": "Make or check a submission to a leaderboard.",
    "leaderboard": "Build a leaderboard from submissions.",
}
"""Commands that come through entry points like any plug-in, described here so that --help loads none of them."""
_PROBLEMS_SHOWN = 20


class _Commands(click.Group):
    """Commands by name; those of other packages come through the entry points ``biobench.commands``."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        plugins = _plugin_commands()
        ours = [name for name in _OF_OUR_PACKAGES if name in plugins]
        return [*_COMMANDS, *ours, *sorted(set(plugins) - {*_COMMANDS, *ours})]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name in _COMMANDS:
            command: object = import_module("biobench.cli." + cmd_name.replace("-", "_")).command
        elif cmd_name in _plugin_commands():
            command = _load_plugin(cmd_name)
        else:
            return None
        if not isinstance(command, click.Command):
            raise click.ClickException(f"the plug-in command {cmd_name} is {command!r}, not a click command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in self.list_commands(ctx):
            from biobench.readers.defects import nearest  # noqa: PLC0415 - only for a mistyped command

            known = self.list_commands(ctx)
            hint = nearest(args[0], known) or "there are: " + ", ".join(known)
            raise click.UsageError(f'no command "{args[0]}"; {hint}', ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        plugins = _plugin_commands()
        described = {**_COMMANDS, **_OF_OUR_PACKAGES}
        rows = [(name, described.get(name, f"(from {plugins.get(name)})")) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="biobench")
def _biobench() -> None:
    """Measure timed coaching feedback: what a system said, when it said it, and how sure the number is."""


def main() -> None:
    """The entry point of the command line. Exit status: 0 done, 1 a part failed, 2 bad input or usage."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:  # a terminal that can't show a character gets "?" instead of a traceback
            reconfigure(errors="replace")
    try:
        _biobench(prog_name="biobench")
    except ProblemsFound as found:
        for problem in found.problems[:_PROBLEMS_SHOWN]:
            click.echo(f"biobench: {seen(str(problem))}", err=True)
        more = len(found.problems) - _PROBLEMS_SHOWN
        if more > 0:
            click.echo(f"biobench: and {more} more; `biobench validate --format json` lists all", err=True)
        sys.exit(2)
    except OSError as error:  # no more output can be written, and none at shutdown either
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):  # a reader (head, less) that has gone knows that it has
            click.echo(f"biobench: {error.strerror or error}", err=True)
        sys.exit(1)


def _plugin_commands() -> dict[str, str]:
    from importlib.metadata import entry_points  # noqa: PLC0415 - slow, and not needed by every command

    points = entry_points(group="biobench.commands")
    return {point.name: point.dist.name if point.dist else "an unknown package" for point in points}


def _load_plugin(name: str) -> object:
    from importlib.metadata import entry_points  # noqa: PLC0415 - only for a plug-in's command

    (point, *_) = entry_points(group="biobench.commands", name=name)
    try:
        return point.load()
    except (Exception, SystemExit) as error:  # a stranger's module may raise anything
        distribution = point.dist.name if point.dist else "an unknown package"
        raise click.ClickException(
            f"the command {name} of {distribution} can't be loaded: {type(error).__name__}: {error}"
        ) from error
