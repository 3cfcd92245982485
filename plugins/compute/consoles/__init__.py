"""Remote consoles: tokens that open them once, and the proxy between browsers and a host's guests."""
