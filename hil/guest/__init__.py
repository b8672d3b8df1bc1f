"""A Linux kernel with SocketCAN on a machine that has none, and CAN devices with state inside it."""
