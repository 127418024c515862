"""Hugging Face encoder folders: the default encoder, pruned and tiny ones."""
