"""Long work on machines: `machines`, and what an agent in a ramdisk does of it: `ramdisk`."""
