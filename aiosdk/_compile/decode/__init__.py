"""From parsed bodies to Python values, by protocol."""
