"""Which regimens there are, what each does, and which serves best."""
