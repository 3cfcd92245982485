"""Filters and DNs hold what people give as data; what servers give is read with suspicion."""

import pytest

str2dn = pytest.importorskip("ldap.dn").str2dn

from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from stratolith.auth.ldap import text  # noqa: E402

TEXTS = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=60)


@given(TEXTS)
def test_a_value_in_a_filter_is_no_syntax(value):
    escaped = text.in_filter(value)
    assert not set(escaped) & set("()*\0")
    back = bytes.fromhex("".join(escaped[at + 1:at + 3] if letter == "\\" else letter.encode().hex()
                                 for at, letter in enumerate(escaped)
                                 if "\\" not in escaped[max(0, at - 2):at])).decode()
    assert back == value


@given(TEXTS)
def test_a_value_in_a_dn_is_one_value(value):
    if not text.is_fit(value):
        return
    dn = f"uid={text.in_dn(value)},ou=people,dc=example,dc=org"
    parsed = str2dn(dn)
    assert [rdn[0][0] for rdn in parsed] == ["uid", "ou", "dc", "dc"]
    assert parsed[0][0][1] == value
    assert text.first_rdn(dn) == ("uid", value)
    assert text.normal(text.parent(dn)) == text.normal("OU=People, DC=example,  DC=ORG")


@pytest.mark.parametrize("value", ["", "a\0", "\ud800", "x\udfffy"])
def test_texts_that_no_directory_can_be_asked_for(value):
    assert not text.is_fit(value)


def test_dns_are_the_same_however_they_are_written():
    base = text.normal("ou=people,dc=example,dc=org")
    assert text.normal("OU=People , dc=EXAMPLE,dc=org") == base
    assert text.is_below(text.normal("uid=a\\,b,ou=people,dc=example,dc=org"), base)
    assert not text.is_below(base, base)
    assert not text.is_below(text.normal("uid=a,ou=people\\,dc=example,dc=org"), base)
    assert text.normal("no dn at all") == ()
    assert text.first_rdn("") == text.first_rdn("cn=a+uid=b,dc=c") == ("", "")


def test_guids_are_bytes_in_microsofts_order():
    known = "00112233-4455-6677-8899-aabbccddeeff"
    raw = bytes.fromhex("33221100554477668899aabbccddeeff")
    assert text.read("objectGUID", raw) == known
    assert text.equals("objectGUID", known) == "(objectGUID=" + "".join(f"\\{byte:02x}" for byte in raw) + ")"
    for none in ("*", "0", known + "0", "zz112233-4455-6677-8899-aabbccddeeff"):
        assert text.equals("objectGUID", none) == "(!(objectClass=*))"
    assert text.read("objectGUID", b"short") == ""


@pytest.mark.parametrize("raw", [b"\xff\xfe", b"x" * 70_000, b"a\0b"])
def test_values_that_are_no_text_are_none(raw):
    assert text.read("cn", raw) == ""
