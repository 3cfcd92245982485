"""The suites that prove a driver; they ship with the product."""
