"""The page behind a card: what a recommendation rests on, for the pharmacist who takes five minutes."""
