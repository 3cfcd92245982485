"""``stratolith completion``: scripts that let a shell complete the command's words, from its own parsers."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from .command import COMMANDS, Command


class Completion(Command):
    """Print a script that completes commands, options and fixed choices.

    bash: source <(stratolith completion bash), for example in ~/.bashrc.  zsh: the same, or the
    output as a file _stratolith in a folder of $fpath.  fish: stratolith completion fish | source.
    """

    help = "print a script for the shell's completion"

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("shell", choices=tuple(SHELLS))

    def run(self, arguments: argparse.Namespace) -> int:
        """Print the script of one shell."""
        from .main import build
        parser, _ = build(COMMANDS.names(), lenient=True)
        print("\n".join(SHELLS[arguments.shell](shapes(parser))))
        return 0


@dataclasses.dataclass(frozen=True)
class Word:
    """An option, or a place for a word when it has no names."""

    names: Sequence[str]
    help: str
    takes_value: bool = True
    choices: Sequence[str] = ()
    is_path: bool = False


@dataclasses.dataclass(frozen=True)
class Shape:
    """What one command takes."""

    name: str
    help: str
    words: Sequence[Word]

    @property
    def options(self) -> list[Word]:
        """The words that begin with dashes."""
        return [word for word in self.words if word.names]

    @property
    def choices(self) -> list[str]:
        """All fixed words that may stand without an option."""
        return [choice for word in self.words if not word.names for choice in word.choices]


def shapes(parser: argparse.ArgumentParser) -> list[Shape]:
    """What the commands of the whole parser take."""
    subparsers = next(action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    helps = {action.dest: action.help or "" for action in subparsers._choices_actions}
    return [Shape(name, helps.get(name, ""), [_word(action) for action in one._actions])
            for name, one in subparsers.choices.items()]


def _word(action: argparse.Action) -> Word:
    choices = tuple(map(str, action.choices or ()))
    return Word(tuple(action.option_strings), action.help or "", action.nargs != 0, choices, action.type is Path)


def bash(commands: Sequence[Shape]) -> Iterator[str]:
    """The script for bash."""
    yield "_stratolith() {"
    yield '    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]}'
    yield "    COMPREPLY=()"
    yield "    if [ \"$COMP_CWORD\" -eq 1 ]; then"
    yield f'        COMPREPLY=($(compgen -W "{" ".join(one.name for one in commands)}" -- "$word")); return'
    yield "    fi"
    yield '    case "$command $before" in'
    for one in commands:
        for word in filter(lambda word: word.takes_value, one.options):
            names = "|".join(f'"{one.name} {name}"' for name in word.names)
            yield f"        {names}) {_bash_values(word)}return;;"
    yield "    esac"
    yield '    case "$command" in'
    for one in commands:
        words = " ".join([*one.choices, *(name for word in one.options for name in word.names)])
        yield f'        {one.name}) COMPREPLY=($(compgen -W "{words}" -- "$word"));;'
    yield "    esac"
    yield "}"
    yield "complete -o filenames -F _stratolith stratolith"


def _bash_values(word: Word) -> str:
    if word.is_path:
        return 'COMPREPLY=($(compgen -f -- "$word")); '
    return f'COMPREPLY=($(compgen -W "{" ".join(word.choices)}" -- "$word")); ' if word.choices else ""


def zsh(commands: Sequence[Shape]) -> Iterator[str]:
    """The script for zsh."""
    yield "#compdef stratolith"
    yield "_stratolith() {"
    yield "    local -a commands=("
    yield from (f"        {_quoted(one.name + ':' + one.help)}" for one in commands)
    yield "    )"
    yield "    if (( CURRENT == 2 )); then _describe command commands; return; fi"
    yield "    local command=$words[2]"
    yield "    shift words; (( CURRENT-- ))"
    yield "    case $command in"
    for one in commands:
        yield f"        {one.name}) _arguments {' '.join(spec for word in one.words for spec in _zsh_specs(word))};;"
    yield "    esac"
    yield "}"
    yield 'if [ "$funcstack[1]" = _stratolith ]; then _stratolith "$@"; else compdef _stratolith stratolith; fi'


def _zsh_specs(word: Word) -> Iterator[str]:
    values = "_files" if word.is_path else f"({' '.join(word.choices)})" if word.choices else " "
    if not word.names:
        yield _quoted(f"::word:{values}")
    for name in word.names:
        text = word.help.translate(str.maketrans("[]:", "(),"))
        yield _quoted(f"*{name}[{text}]" + (f":value:{values}" if word.takes_value else ""))


def fish(commands: Sequence[Shape]) -> Iterator[str]:
    """The script for fish."""
    yield "complete -c stratolith -f"
    for one in commands:
        yield f"complete -c stratolith -n __fish_use_subcommand -a {one.name} -d {_quoted(one.help)}"
        seen = f"complete -c stratolith -n '__fish_seen_subcommand_from {one.name}'"
        if one.choices:
            yield f"{seen} -a {_quoted(' '.join(one.choices))}"
        for word in one.options:
            names = " ".join(f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in word.names)
            values = " -r -F" if word.is_path else " -x" if word.takes_value else ""
            values += f" -a {_quoted(' '.join(word.choices))}" if word.choices else ""
            yield f"{seen} {names}{values} -d {_quoted(word.help)}"


def _quoted(text: str) -> str:
    """``text`` in single quotes, fit for zsh and fish; an apostrophe in it becomes a typographic one."""
    return "'" + text.replace("'", "’").replace("\\", "") + "'"


SHELLS: Mapping[str, Callable[[Sequence[Shape]], Iterator[str]]] = {"bash": bash, "zsh": zsh, "fish": fish}
