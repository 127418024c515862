"""Where and how the encoder computes."""
