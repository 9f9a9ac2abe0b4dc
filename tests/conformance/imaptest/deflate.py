"""RFC 4978: both directions of a connection as raw deflate streams after COMPRESS DEFLATE."""
import zlib

from tokens import ProtocolError


class Deflated:
    """Stands for a socket and for the file that reads it."""

    def __init__(self, sock, file):
        self.sock, self.file, self.rest = sock, file, b''
        self.packer = zlib.compressobj(wbits=-15)
        self.unpacker = zlib.decompressobj(wbits=-15)

    def sendall(self, data):
        self.sock.sendall(self.packer.compress(data) + self.packer.flush(zlib.Z_SYNC_FLUSH))

    def more(self):
        data = self.file.read1(65536)
        if not data:
            return False
        try:
            self.rest += self.unpacker.decompress(data)
        except zlib.error as error:
            raise ProtocolError(f'what came is no deflate stream: {error}') from None
        return True

    def readline(self, limit):
        while b'\n' not in self.rest and len(self.rest) < limit and self.more():
            pass
        end = self.rest.find(b'\n') + 1 or len(self.rest)
        line, self.rest = self.rest[:end], self.rest[end:]
        return line

    def read(self, size):
        while len(self.rest) < size and self.more():
            pass
        data, self.rest = self.rest[:size], self.rest[size:]
        return data

    def close(self):
        self.file.close()
        self.sock.close()
