"""Load to many recipients' domains: each session is one prepared string of bytes, sent as fast as it is taken. Costs next to nothing."""
import socket
import threading


def session(port, recipients, body):
    s = socket.create_connection(('127.0.0.1', port), 60)
    s.recv(512)
    s.sendall(b'EHLO bench.test\r\n')
    s.recv(4096)

    def drain():
        while s.recv(65536):
            pass
    reader = threading.Thread(target=drain, daemon=True)
    reader.start()
    for to in recipients:
        s.sendall(b'MAIL FROM:<from@bench.test>\r\nRCPT TO:<' + to.encode() + b'>\r\nDATA\r\n' + body)
    s.sendall(b'QUIT\r\n')
    reader.join(120)
    s.close()


def blast(port, sessions, recipients, size):
    """One message to each recipient; returns the threads."""
    line = b'x' * 70 + b'\r\n'
    body = b'Subject: bench\r\n\r\n' + line * (size // len(line)) + b'.\r\n'
    threads = [threading.Thread(target=session, args=(port, recipients[i::sessions], body), daemon=True) for i in range(sessions)]
    for thread in threads:
        thread.start()
    return threads
