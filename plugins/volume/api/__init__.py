"""The HTTP face of the block storage service: tables of operations, views and documents."""
