"""The thinc models that join encoder, neck and head."""
