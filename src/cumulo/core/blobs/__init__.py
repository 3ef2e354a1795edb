"""Large bytes: streamed, hashed, written so that they are there whole or not at all."""
