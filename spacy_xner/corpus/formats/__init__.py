"""Corpus formats, one file each."""
