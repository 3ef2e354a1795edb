"""Image's quotas."""

# Glance's own names and today's meaning: sizes in MiB, -1 without limit.
QUOTAS = {
    "image_count_total": 1000,
    "image_count_uploading": 100,
    "image_size_total": -1,
    "image_stage_total": -1,
}
