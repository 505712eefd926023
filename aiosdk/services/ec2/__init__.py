"""EC2: what its resources have beside what their definition says."""
