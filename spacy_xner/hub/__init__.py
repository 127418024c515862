"""Encoders and classifiers from Hugging Face folders or the hub."""
