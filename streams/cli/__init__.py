"""The command `impact-calendar`: one file a command; whatever is slow to import is imported by the command that needs it."""
