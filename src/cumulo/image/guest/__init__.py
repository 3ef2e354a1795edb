"""The small guest image that is built from Debian packages, for demos and tests."""
