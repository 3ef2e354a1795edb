"""The one door to the machine: commands, long-lived processes, network namespaces.

Only drivers import this package. Argument vectors only, never a shell string; every command has
a time limit; every name that ends up in a path or an argument is made from an id.
"""
