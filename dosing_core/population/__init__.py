"""Population models: typical values from covariates, variability between people, residual error."""
