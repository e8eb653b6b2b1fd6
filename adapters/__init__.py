"""What talks to the outside: calendar services and the vault, each behind a port."""
