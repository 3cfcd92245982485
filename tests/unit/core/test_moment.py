"""Moments of bodies and queries."""

import datetime

import pytest
from stratolith.core.errors import BadRequest
from stratolith.core.http.moment import comparison, parse, to_microsecond, to_second

NOON = datetime.datetime(2030, 5, 1, 12)


def test_writing():
    assert (to_second(NOON), to_microsecond(NOON)) == ("2030-05-01T12:00:00Z", "2030-05-01T12:00:00.000000")
    assert (to_second(None), to_microsecond(None)) == (None, None)


@pytest.mark.parametrize("text", ["2030-05-01T12:00:00", "2030-05-01T12:00:00Z", "2030-05-01 14:00+02:00"])
def test_reading_in_utc(text):
    assert parse(text, "no") == NOON


@pytest.mark.parametrize("text", ["", "noon", "2030-13-01", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_what_is_no_moment(text):
    with pytest.raises(BadRequest, match="no"):
        parse(text, "no")


def test_comparisons():
    assert comparison("gte:2030-05-01T12:00:00", "no") == ("gte", NOON)
    assert comparison("2030-05-01T12:00:00", "no") == ("eq", NOON)
    with pytest.raises(BadRequest):
        comparison("around:2030-05-01", "no")
