"""The lives of the seeds 501 to 750: what must hold holds."""

import pytest

from tests.simulation.lives import chunks, lived


@pytest.mark.parametrize("first", chunks(501, 750))
def test_what_must_hold_holds(first):
    assert not lived(first)
