"""A name server that knows the benchmark's names and nothing else: UDP on loopback, on a thread.

  sink.test, dN.one.test     MX 10 mx.one.test, 127.0.0.1: all domains of one provider
  sN.many.test               MX 10 mxN.many.test, 127.0.1.N: a site each
"""
import re
import socket
import struct
import threading

A, MX = 1, 15


def encode(name):
    return b''.join(bytes([len(label)]) + label.encode() for label in name.split('.')) + b'\0'


def records(name, kind):
    """rdata, or None: no such name."""
    if name == 'sink.test' or re.fullmatch(r'd\d+\.one\.test', name):
        return [struct.pack('>H', 10) + encode('mx.one.test')] if kind == MX else []
    if name == 'mx.one.test':
        return [socket.inet_aton('127.0.0.1')] if kind == A else []
    if site := re.fullmatch(r's(\d+)\.many\.test', name):
        return [struct.pack('>H', 10) + encode(f'mx{site[1]}.many.test')] if kind == MX else []
    if host := re.fullmatch(r'mx(\d+)\.many\.test', name):
        return [socket.inet_aton(f'127.0.1.{host[1]}')] if kind == A else []
    return None


def answer(query):
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode().lower())
        at += 1 + query[at]
    kind = struct.unpack('>H', query[at + 1:at + 3])[0]
    found = records('.'.join(labels), kind)
    header = query[:2] + struct.pack('>HHHHH', 0x8180 | (3 if found is None else 0), 1, len(found or []), 0, 0)
    body = b''.join(b'\xc0\x0c' + struct.pack('>HHIH', kind, 1, 3600, len(data)) + data for data in found or [])
    return header + query[12:at + 5] + body


class FakeDns:
    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(('127.0.0.1', 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                query, asker = self.socket.recvfrom(4096)
                self.socket.sendto(answer(query), asker)
            except (OSError, IndexError, struct.error, UnicodeDecodeError):
                if self.socket.fileno() < 0:
                    return

    def close(self):
        self.socket.close()
