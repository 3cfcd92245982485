"""The scheduler: from candidates through filters and weighers to one host, with reasons."""
