"""Texts that stand for numbers."""

import pytest
from stratolith.core.http.validation import as_integer


@pytest.mark.parametrize("text", ["0", "-5", "007", "9" * 18])
def test_whole_numbers(text):
    assert as_integer(text) == int(text)


@pytest.mark.parametrize("text", ["", "-", "--5", "5-", "\u00b2", "\u0663", "1.0", " 1", "9" * 19, "9" * 5000, "1\n"])
def test_what_is_no_number(text):
    assert as_integer(text) is None
