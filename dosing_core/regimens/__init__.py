"""Practical regimens: which may be proposed, what each does, which fits best."""
