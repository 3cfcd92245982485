"""Ways in which what others say of a user reaches us."""
