"""A name server in trouble, UDP and TCP: the first label of the name says which. Anything else gets an honest NXDOMAIN.

servfail, refused: that answer.   silent: none.   garbage: bytes that are no answer.   no-tcp: 'ask by TCP', where it hangs up.
a-only: an address for A, nothing for AAAA, not even 'there is none'.
"""
import socket
import socketserver
import struct
import threading

from dns_zones import POSTFIX

SERVFAIL, NXDOMAIN, REFUSED = 2, 3, 5


def question(query):
    """(labels, the question's bytes)"""
    labels, position = [], 12
    while length := query[position]:
        labels.append(query[position + 1:position + 1 + length].decode('latin-1').lower())
        position += 1 + length
    return labels, query[12:position + 5]


def answer(query, tcp):
    labels, asked = question(query)

    def message(rcode, flags=0):
        return query[:2] + struct.pack('>5H', 0x8580 | flags | rcode, 1, 0, 0, 0) + asked
    match labels[0]:
        case 'servfail':
            return message(SERVFAIL)
        case 'refused':
            return message(REFUSED)
        case 'silent':
            return None
        case 'garbage':
            return b'\xff\x00\xff'
        case 'no-tcp':
            return None if tcp else message(0, 0x200)  # TC
        case 'a-only' if asked.endswith(b'\0\1\0\1'):  # A, IN
            return query[:2] + struct.pack('>5H', 0x8580, 1, 1, 0, 0) + asked + struct.pack('>HHHIH', 0xC00C, 1, 1, 30, 4) + socket.inet_aton(POSTFIX)
        case 'a-only':
            return None
    return message(NXDOMAIN)


class Udp(socketserver.BaseRequestHandler):
    def handle(self):
        query, sock = self.request
        if reply := answer(query, tcp=False):
            sock.sendto(reply, self.client_address)


class Tcp(socketserver.StreamRequestHandler):
    def handle(self):
        while head := self.rfile.read(2):
            reply = answer(self.rfile.read(*struct.unpack('>H', head)), tcp=True)
            if not reply:
                return
            self.wfile.write(struct.pack('>H', len(reply)) + reply)


def serve(address):
    for kind, handler in ((socketserver.ThreadingUDPServer, Udp), (socketserver.ThreadingTCPServer, Tcp)):
        server = kind((address, 53), handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
