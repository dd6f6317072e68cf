"""`bruno completion`: the shell finishes commands, flags, values and files.

Click brings this for its own commands, so that no library beside it is needed (argcomplete and
shtab serve argparse).
"""

from __future__ import annotations

from typing import Final

import click
from click.shell_completion import CompletionItem, get_completion_class

from bruno.cli.help import Command

_ASKING: Final = "_BRUNO_COMPLETE"


@click.command(cls=Command)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print what makes a shell finish words of `bruno`.

    \b
    bash   eval "$(bruno completion bash)"      in ~/.bashrc
    zsh    eval "$(bruno completion zsh)"       in ~/.zshrc, below compinit
    fish   bruno completion fish | source       in ~/.config/fish/config.fish
    """
    kind = get_completion_class(shell)
    assert kind is not None  # noqa: S101
    click.echo(kind(ctx.find_root().command, {}, "bruno", _ASKING).source())


def files(ctx: click.Context, flag: click.Parameter, word: str) -> list[CompletionItem]:
    """Leaves a word to the shell's own way of finishing files."""
    return [CompletionItem(word, type="file")]
