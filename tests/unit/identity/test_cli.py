"""``stratolith identity``."""

import argparse

from stratolith.plugins.identity.cli import IdentityCommand


def test_rotate_keys(tmp_path, capsys):
    command = IdentityCommand()
    parser = argparse.ArgumentParser()
    command.arguments(parser)
    arguments = parser.parse_args(["rotate-keys", "--state", str(tmp_path)])
    arguments.flags = []
    for expected in ({"0", "1", "2"}, {"0", "2", "3"}):
        assert command.run(arguments) == 0
        assert {path.name for path in (tmp_path / "tokens.fernet").iterdir()} == {".lock", *expected}
    assert capsys.readouterr().out == "fernet: keys rotated\n" * 2


def test_rotate_keys_of_signed_tokens(tmp_path, capsys):
    command = IdentityCommand()
    parser = argparse.ArgumentParser()
    command.arguments(parser)
    arguments = parser.parse_args(["rotate-keys", "--state", str(tmp_path)])
    arguments.flags = ["--identity-tokens", "jws"]
    for expected in ({"2.key", "3.key", "1.pem", "2.pem", "3.pem"}, {"3.key", "4.key", "2.pem", "3.pem", "4.pem"}):
        assert command.run(arguments) == 0
        assert {path.name for path in (tmp_path / "tokens.jws").iterdir()} == {".lock", *expected}
    assert capsys.readouterr().out == "jws: keys rotated\n" * 2
