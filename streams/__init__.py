"""The workers: pure decisions in domain/, the Faust seam in engine/, agents, apps and the command line."""
