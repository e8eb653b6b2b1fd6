"""The whole product as processes of its own, over a real broker and the simulated calendar services, and what must be true at the end."""
