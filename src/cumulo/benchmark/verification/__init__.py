"""Tempest against a cloud: installed, configured out of the catalog, run, compared."""
