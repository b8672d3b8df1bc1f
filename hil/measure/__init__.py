"""What `station-hil bench` and `station-hil endurance` measure, and how."""
