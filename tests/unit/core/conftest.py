"""The stratolith command inside a test."""

import pytest
from stratolith.core.cli.main import main


@pytest.fixture
def run(capsys):
    """Calls the command with words; gives its status, and what it printed to both streams."""
    def called(*words):
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        printed = capsys.readouterr()
        return ended.value.code or 0, printed.out, printed.err
    return called
