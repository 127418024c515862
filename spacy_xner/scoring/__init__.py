"""Scores of predictions against the gold."""
