"""The command itself: its help, its errors, and completion by real shells' rules."""

import os
import shutil
import subprocess
import sys

import pytest
from stratolith.core.cli.command import COMMANDS
from stratolith.core.cli.main import build, main


def run(capsys, *words):
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    printed = capsys.readouterr()
    return ended.value.code or 0, printed.out, printed.err


def test_help_has_one_line_a_command(capsys):
    status, out, _ = run(capsys, "--help")
    assert status == 0
    lines = out.partition("COMMAND\n")[2].splitlines()
    assert [line.split()[0] for line in lines] == COMMANDS.names()
    assert all(len(line.split()) > 2 and len(line) < 100 for line in lines)


def test_nothing_is_loaded_that_help_does_not_need():
    """What makes help slow is SQLAlchemy and falcon: neither is imported for it."""
    script = """if True:
        import sys
        from stratolith.core.cli.command import COMMANDS
        from stratolith.core.cli.main import build
        build(COMMANDS.names())
        print(sorted({"sqlalchemy", "falcon", "kombu", "granian", "rich"} & set(sys.modules)))"""
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_version(capsys):
    status, out, _ = run(capsys, "--version")
    assert (status, out.split()[0]) == (0, "stratolith")


def test_no_command(capsys):
    status, out, _ = run(capsys)
    assert status == 64
    assert "commands:" in out


def test_unknown_command(capsys):
    status, _, err = run(capsys, "fly")
    assert status == 2
    assert "invalid choice: 'fly'" in err


def test_flags_only_where_options_are(capsys):
    status, _, err = run(capsys, "status", "--log-level", "debug")
    assert status == 2
    assert "unrecognized arguments: --log-level debug" in err


def test_errors_are_one_line(capsys):
    status, out, err = run(capsys, "plugins", "nonsense")
    assert (status, out) == (1, "")
    assert err.startswith("stratolith: there is no kind 'nonsense'; there are services, ")
    assert err.count("\n") == 1


@pytest.mark.parametrize("name", COMMANDS.names())
def test_each_command_explains_itself(capsys, name):
    status, out, _ = run(capsys, name, "--help")
    assert status == 0
    assert len(out.splitlines()) > 5
    _, loaded = build([name])
    assert loaded[name].help[0].islower()


BASH = """
source /dev/stdin <<'SCRIPT'
{script}
SCRIPT
COMP_WORDS=({words})
COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
_stratolith
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


def completed(capsys, folder, *words):
    """What bash offers behind ``words``."""
    _, script, _ = run(capsys, "completion", "bash")
    shown = subprocess.run(["bash", "-c", BASH.format(script=script, words=" ".join(f"'{one}'" for one in words))],
                           capture_output=True, text=True, check=True, cwd=folder)
    assert shown.stderr == ""
    return sorted(shown.stdout.split())


def test_bash_completes(capsys, tmp_path):
    (tmp_path / "cloud.conf").touch()
    assert completed(capsys, tmp_path, "stratolith", "") == COMMANDS.names()
    assert completed(capsys, tmp_path, "stratolith", "con") == ["config", "conformance"]
    assert completed(capsys, tmp_path, "stratolith", "up", "--e") == ["--ephemeral"]
    assert completed(capsys, tmp_path, "stratolith", "up", "--config", "cl") == ["cloud.conf"]
    assert completed(capsys, tmp_path, "stratolith", "up", "--listen", "") == []
    assert completed(capsys, tmp_path, "stratolith", "config", "s") == ["sample", "show"]
    assert completed(capsys, tmp_path, "stratolith", "completion", "") == ["--help", "-h", "bash", "fish", "zsh"]


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_scripts(capsys, shell, tmp_path):
    """Each command and option is in the script; where the shell is installed, it also reads the script."""
    _, script, _ = run(capsys, "completion", shell)
    parser, loaded = build(COMMANDS.names())
    for name in loaded:
        assert any(name in line for line in script.splitlines())
    assert ("--ephemeral[" if shell == "zsh" else "-l ephemeral ") in script
    assert script.count("'") % 2 == 0
    if shutil.which(shell):
        file = tmp_path / "script"
        file.write_text(script)
        subprocess.run([shell, "-n", str(file)], check=True, env={**os.environ, "HOME": str(tmp_path)})


def test_openapi(capsys):
    status, out, _ = run(capsys, "openapi")
    assert status == 0
    assert "compute" in out.split()
    status, out, _ = run(capsys, "openapi", "image")
    assert status == 0
    assert '"openapi": "3.1.0"' in out
    status, _, err = run(capsys, "openapi", "nothing")
    assert status == 1
    assert "there are compute, identity" in err
