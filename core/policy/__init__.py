"""Who may do what: rules as data, one enforce, and an explanation."""
