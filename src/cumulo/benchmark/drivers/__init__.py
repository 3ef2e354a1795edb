"""What touches the machine: commands of hooks."""
