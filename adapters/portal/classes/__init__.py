"""Manage > Classes: the booking system's calendar over the read model, each class with how it stands on its providers' calendars."""
