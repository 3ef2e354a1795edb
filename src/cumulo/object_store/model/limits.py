"""What requests may have at the most: Swift's own numbers, which `/info` announces."""

MAX_FILE_SIZE = 5 * 1024**3 + 2
"""Bytes of one object; larger ones are made of segments."""
MAX_META_NAME = 128
MAX_META_VALUE = 256
MAX_META_COUNT = 90
MAX_META_SIZE = 4096
MAX_HEADER_SIZE = 8192
MAX_ACCOUNT_NAME = 256
MAX_CONTAINER_NAME = 256
MAX_OBJECT_NAME = 1024
LISTING_LIMIT = 10_000

MAX_SEGMENTS = 1000
MAX_MANIFEST_SIZE = 8 * 1024**2
MAX_LARGE_SIZE = 2**60
"""Bytes of a manifest's object, nested ones unfolded: what is beyond no counter can hold."""
MAX_NESTING = 10
"""Manifests inside manifests, as Swift's own bound of recursion."""

MAX_DELETES = 10_000
"""Of one bulk request."""
MAX_FAILED_DELETES = 1000
MAX_DELETE_NAME = 3 * (MAX_ACCOUNT_NAME + MAX_OBJECT_NAME)

S3_LISTING_LIMIT = 1000
S3_MULTI_DELETE = 1000
S3_PARTS = 10_000
S3_MIN_PART = 5 * 1024**2
"""Of one account; S3's own limit has been this by default."""
S3_XML_LIMIT = 1024**2
S3_KEY_NAME = 1024
S3_COPY_SIZE = 5 * 1024**3
