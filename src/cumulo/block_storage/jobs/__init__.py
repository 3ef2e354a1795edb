"""Durable work: volumes that become images (`uploads`), and backups (`backups`)."""
