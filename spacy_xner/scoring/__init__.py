"""Gold against predictions."""
