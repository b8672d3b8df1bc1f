"""A whole station on this machine: broker, plant, and the production service as a child process."""
