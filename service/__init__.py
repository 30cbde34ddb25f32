"""Roof: the command line, and the wiring of rooms into processes."""
