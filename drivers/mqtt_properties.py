"""What MQTT 5 says beside topic and payload, in the words of paho: the only file that imports it."""

from __future__ import annotations

from typing import Any

from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from drivers.mqtt_values import MqttMessage

RECEIVE_MAXIMUM = 16  # asked of the broker; some over-deliver
PACKET_MAX_BYTES = 2 << 20  # the broker keeps anything larger to itself
SUBSCRIBE = SubscribeOptions(qos=1, retainAsPublished=True)  # else a retained command looks harmless when it is sent


def connect_properties() -> Properties:
    """What we ask of the broker."""
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.ReceiveMaximum = RECEIVE_MAXIMUM
    properties.MaximumPacketSize = PACKET_MAX_BYTES
    return properties


def publish_properties(message: MqttMessage) -> Properties:
    """Where the answer goes, which request it belongs to, and how long the message is good for."""
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    if message.response_topic is not None:
        properties.ResponseTopic = message.response_topic
    if message.correlation is not None:
        properties.CorrelationData = message.correlation
    if message.expiry_s is not None:
        properties.MessageExpiryInterval = message.expiry_s
    return properties


def reason_code(code: Any) -> int:
    """As a number; a library gives one or the other."""
    return int(getattr(code, "value", code))
