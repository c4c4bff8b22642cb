from __future__ import annotations

import os
import socket

import pytest
from stratapolis.cli.local.errors import LocalCityError
from stratapolis.cli.local.ports import HOST, CityPorts, require_free, taken


def test_a_taken_port_is_named_with_its_holder() -> None:
    with socket.create_server((HOST, 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(LocalCityError, match=rf"port taken: {port} for Kafka is held by .*\(pid {os.getpid()}\)") as refused:
            require_free({port: "Kafka"})
        assert "\n" not in str(refused.value)
    require_free({port: "Kafka"})


def test_a_port_that_only_waits_for_its_last_packets_is_free() -> None:
    with socket.create_server((HOST, 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection((HOST, port)) as client:
            accepted, _ = server.accept()
            accepted.close()  # the side that closes first keeps the port for a while
            client.recv(1)
    assert taken({port: "Kafka"}) == {}


def test_no_two_things_of_a_city_share_a_port() -> None:
    ports = CityPorts(7000)
    assert len(ports.all) == 3 + 2 * 7
    assert not set(ports.all) & set(ports.creators)
    assert (ports.kafka, ports.kafka_controller, ports.postgres, ports.grpc("governance"), ports.http("infrastructure")) == (7092, 7093, 7432, 7103, 7207)


@pytest.mark.parametrize("base", [80, 32500, 60000])
def test_a_base_whose_ports_others_may_be_given_is_refused(base: int) -> None:
    with pytest.raises(LocalCityError, match=f"port base {base}"):
        CityPorts(base)
    assert max(CityPorts(32268).all) < 32768
