"""What the commands take from the process: settings, and a logger for those that run on."""

import os

from streams.settings import Settings

__all__ = ["read_settings", "worker_settings"]


def read_settings() -> Settings:
    """Raises SettingError."""
    return Settings.from_env(os.environ)


def worker_settings() -> Settings:
    """The settings of a process that runs on, with its logs set up. Raises SettingError."""
    from streams.engine.logs import configure_logging

    settings = read_settings()
    configure_logging(settings.log_level, settings.log_format)
    return settings
