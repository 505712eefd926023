"""S3: transfers of files, and what its resources have beside what their definition says."""
