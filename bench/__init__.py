"""Measurements behind `tieline bench`."""
