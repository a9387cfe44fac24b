"""From levels to what is now believed of the patient: mode, posterior particles, belief over hypotheses."""
