"""The lives of the seeds 751 to 1000: what must hold holds."""

import pytest

from tests.simulation.lives import chunks, lived


@pytest.mark.parametrize("first", chunks(751, 1000))
def test_what_must_hold_holds(first):
    assert not lived(first)
