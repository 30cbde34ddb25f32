"""What people see: HTTP API, live socket, the live page."""
