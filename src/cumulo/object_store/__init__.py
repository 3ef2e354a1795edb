"""The object store: Swift v1 and S3."""
