"""A whole city on one machine: Apache Kafka, PostgreSQL and the processes of the layers, started and stopped together."""
