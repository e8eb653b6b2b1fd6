"""Alembic's revisions. Each states its tables itself: an old revision must not change when tables.py does."""
