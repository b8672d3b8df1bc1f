"""The MQTT command console: watch a station and send it commands. Knows the messages, never the controller."""
