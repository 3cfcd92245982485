"""The lives of the seeds 1 to 250: what must hold holds."""

import pytest

from tests.simulation.lives import chunks, lived


@pytest.mark.parametrize("first", chunks(1, 250))
def test_what_must_hold_holds(first):
    assert not lived(first)
