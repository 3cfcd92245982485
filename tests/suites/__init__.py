"""What suites that others wrote need beside a cloud; docs/conformance.md says how each is run."""
