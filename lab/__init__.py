"""Two centres, an edge, callers and agents on one machine, all real."""
