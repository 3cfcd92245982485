"""What services promise one another: one small interface each."""
