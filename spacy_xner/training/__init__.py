"""Optimizer, and checks before `spacy train`."""
