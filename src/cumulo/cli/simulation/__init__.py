"""The whole cloud on a clock and a chance of its own: `cumulo simulate`."""
