"""Objects instead of responses: resource classes made from a description of a service."""
