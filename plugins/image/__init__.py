"""Image v2: images, their data, members, tags and schemas."""
