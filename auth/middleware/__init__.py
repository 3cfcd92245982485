"""Middleware for other people's services: checks tokens before a request reaches them."""
