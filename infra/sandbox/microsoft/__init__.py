"""Simulated Microsoft: the identity platform's token endpoint, and Graph's calendar events of `/me`."""
