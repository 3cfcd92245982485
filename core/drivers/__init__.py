"""What a backend must do: one interface a file, its facets and its facts."""
