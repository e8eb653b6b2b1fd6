"""Simulated Google: the OAuth2 token and revocation endpoints, and Calendar v3 events."""
