"""Teachers: what a trained model knows, learned beside the gold."""
