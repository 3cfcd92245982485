"""A cloud is called ready once it can be reached."""

import os
import socket
import threading

from stratolith.core.process import server


def test_ready_is_said_once_connections_are_accepted(monkeypatch):
    listener, tried = socket.socket(), threading.Event()
    listener.bind(("127.0.0.1", 0))
    connect = socket.create_connection

    def noted(*words, **named):
        try:
            return connect(*words, **named)
        finally:
            tried.set()

    def listen():
        assert tried.wait(60)
        listener.listen()

    monkeypatch.setattr(socket, "create_connection", noted)
    thread = threading.Thread(target=listen)
    thread.start()
    with listener:
        server._await_listening("0.0.0.0", listener.getsockname()[1], os.getpid())
        thread.join(60)
        connection, _ = listener.accept()
        connection.close()


def test_nobody_waits_for_a_server_that_ended(monkeypatch):
    monkeypatch.setattr(server, "_alive", lambda pid: False)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        server._await_listening("127.0.0.1", silent.getsockname()[1], 1)
