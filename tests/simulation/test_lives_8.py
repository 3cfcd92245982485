"""Lives of seeds, an eighth of them: what must hold holds."""

import pytest

from tests.simulation.lives import chunks, lived


@pytest.mark.parametrize("first", chunks(8))
def test_what_must_hold_holds(first):
    assert not lived(first)
