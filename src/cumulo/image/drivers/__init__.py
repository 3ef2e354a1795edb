"""Image drivers: `driver` is the contract, the others fulfil it."""
