"""Training: the optimizer, the batcher, and checks before `spacy train`."""
