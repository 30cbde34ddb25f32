"""What remains after the call: journal and tickets."""
