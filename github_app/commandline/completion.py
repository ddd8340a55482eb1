"""`honk completion`: what a shell needs to complete honk's words, made of the parser itself."""

from __future__ import annotations

import argparse

SHELLS = ("bash", "zsh", "fish")

_HOW = """\
bash: honk completion bash > ~/.local/share/bash-completion/completions/honk
zsh:  honk completion zsh > a folder of your $fpath, as _honk
fish: honk completion fish > ~/.config/fish/completions/honk.fish"""


def add_completion(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], whole: argparse.ArgumentParser
) -> None:
    """Add it; `whole` is the parser of all commands."""
    completion = commands.add_parser(
        "completion",
        help="print what completes honk's words in your shell",
        epilog=_HOW,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    completion.add_argument("shell", choices=SHELLS, help="which shell you use")

    def run(options: argparse.Namespace) -> int:
        import shtab

        print(shtab.complete(whole, shell=options.shell))
        return 0

    completion.set_defaults(run=run)
