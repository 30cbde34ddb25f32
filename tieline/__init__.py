"""Ground floor of Tieline: the words, the topology, settings, the door to Redis, the database, logs."""
