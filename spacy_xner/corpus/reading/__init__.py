"""What all readers share: lines, JSON, options."""
