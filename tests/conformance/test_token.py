"""The shipped token suite on our own formats."""

from stratolith.core.conformance.runner import applied

TestFernet = applied("token", "fernet")
TestJws = applied("token", "jws")
