"""What talks to the outside: calendar services and the vault, each behind a port; the read model's database; the portal's pages."""
