"""The name server: a process of its own that imports nothing of the cloud, so that a flood of
questions takes no time from the APIs and no crash of it anything from them."""
