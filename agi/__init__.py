"""A call asks: sans-IO FastAGI core, the server, one file per script."""
