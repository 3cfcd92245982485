"""The language of extra specs."""

import pytest
from stratolith.plugins.scheduler.filters.specs import matches


@pytest.mark.parametrize(("value", "wanted", "fits"), [
    ("1", "1", True), ("1", "", False), ("", "", True), ("123", "= 123", True), ("124", "= 123", True),
    ("34", "= 234", False), ("123", "== 123", True), ("123", "!= 123", False), ("2", "< 3", True), ("3", "<= 3", True),
    ("3", "> 3", False), ("4", ">= 3", True), ("x", ">= 3", False), ("3", ">= x", False), ("3", ">=", False),
    ("12", "s== 12", True), ("12", "s!= 12", False), ("b", "s> a", True), ("b", "s>= b", True), ("a", "s< b", True),
    ("a", "s<= a", True), ("12311321", "<in> 11", True), ("12310321", "<in> 11", False),
    ("aes mmx aux", "<all-in> aes mmx", True), ("aes mmx", "<all-in> aes vmx", False),
    ("12", "<or> 11 <or> 12", True), ("13", "<or> 11 <or> 12", False)])
def test_operators(value, wanted, fits):
    assert matches(value, wanted) is fits
