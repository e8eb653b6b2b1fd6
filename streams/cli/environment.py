"""What the commands take from the process: settings, and a logger for those that run on."""

import logging
import os
import sys

from streams.settings import Settings

__all__ = ["read_settings", "worker_settings"]


def read_settings() -> Settings:
    """Raises SettingError. What looks like a setting and is none is told on stderr."""
    settings = Settings.from_env(os.environ)
    for warning in settings.warnings:
        sys.stderr.write(f"impact-calendar: {warning}\n")
    return settings


def worker_settings() -> Settings:
    """The settings of a process that runs on, with its logs set up. Raises SettingError."""
    from streams.engine.logs import configure_logging

    settings = Settings.from_env(os.environ)
    configure_logging(settings.log_level, settings.log_format)
    for warning in settings.warnings:
        logging.getLogger(__name__).warning(warning)
    return settings
