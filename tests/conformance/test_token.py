"""The shipped token suite on our own format."""

from stratolith.core.conformance.runner import applied

TestFernet = applied("token", "fernet")
