"""`demo`: everything on this machine, and a story told through it, each step of which is read back from the simulated calendars.

`command` is what the operator calls, `run` its course; `children` and `stage` start and stop the processes; `booking`, `portal` (by
`browser` and `markup`) and `services` are what a scene acts through, `audit` and `checks` what it is judged by; the scenes are in
`connections`, `everyday`, `trouble`, `hardship`, `closing`.
"""
