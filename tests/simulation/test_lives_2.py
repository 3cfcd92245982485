"""The lives of the seeds 251 to 500: what must hold holds."""

import pytest

from tests.simulation.lives import chunks, lived


@pytest.mark.parametrize("first", chunks(251, 500))
def test_what_must_hold_holds(first):
    assert not lived(first)
