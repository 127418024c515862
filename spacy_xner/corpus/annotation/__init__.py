"""What a corpus says of its texts: tags and offsets as entities on characters."""
