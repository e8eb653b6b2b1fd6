"""A real single-node Apache Kafka on this machine."""
