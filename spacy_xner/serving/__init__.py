"""The HTTP service: pipelines behind JSON routes, whose requests share batches. Needs the extra ``serve``."""
