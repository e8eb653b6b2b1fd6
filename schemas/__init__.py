"""The contracts of this product: domain events in, intents, outcomes, connections, topics and headers."""
