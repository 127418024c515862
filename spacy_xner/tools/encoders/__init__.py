"""Hugging Face encoder folders: the default one, pruned ones, tiny ones."""
