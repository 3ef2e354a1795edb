"""A client of OpenStack clouds that costs little: plain HTTP, never inside the measured process."""
