"""What Cumulo costs: CPU per request on fake drivers, start-up, memory, time to a guest's console.

`./cumulo bench` prints the tables that the README quotes.
"""
