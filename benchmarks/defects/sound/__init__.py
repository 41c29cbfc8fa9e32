"""Sound modules of their own code, many of them with insides that look broken."""
