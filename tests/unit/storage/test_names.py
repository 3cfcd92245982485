"""Ids that drivers accept."""

import pytest
from stratolith.core.drivers import names
from stratolith.core.errors import BadRequest


@pytest.mark.parametrize("name", ["0", "a", "A.b_c-d", "_x", "x" * names.LONGEST,
                                  "6d3a6f4e-0c36-4c53-9d6e-0a5d6b0f5f3c", "6d3a6f4e0c364c539d6e0a5d6b0f5f3c"])
def test_legal(name: str) -> None:
    names.check(name)


@pytest.mark.parametrize("name", ["", ".", "..", ".x", "-x", "a/b", "a\\b", "a@b", "a b", "a\n", "a\0", "ä", "٣",
                                  "x" * (names.LONGEST + 1)])
def test_illegal(name: str) -> None:
    with pytest.raises(BadRequest):
        names.check("legal", name)
