"""Asterisk tells, we act: sans-IO AMI core, typed events, actions, snapshot and reconciliation."""
