"""Plain pages for a person: who is simulated, and each one's month."""
