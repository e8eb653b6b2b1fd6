"""Simulated Google and Microsoft (identity and calendars) over HTTP, in memory, on one port.

The vendors' documents are the specification: what they reject is rejected here, and nothing is made easier for our own client.
`/control` is the hand of the test, the demo or the operator: grants, faults, edits by a person, the journal.
"""
