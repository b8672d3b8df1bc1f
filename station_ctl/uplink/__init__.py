"""The MQTT side of the station: topics, message models, command admission and delivery (docs/mqtt.md)."""
