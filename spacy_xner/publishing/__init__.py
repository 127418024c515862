"""Pipelines for the Hugging Face hub: as checkpoints of transformers, or as they are, with a model card."""
