"""What is done with corpora, encoders and trained pipelines."""
