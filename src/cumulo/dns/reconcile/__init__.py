"""The loops that keep name servers as the rows are: the cloud's own, and those of others."""
