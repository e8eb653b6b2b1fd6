"""`/control`: the hand of a test, of the demo or of the operator. No vendor has anything like it."""
