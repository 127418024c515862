"""Label Studio's machine-learning backend: predictions, and training on finished annotations."""
