"""The command line's parts, and the deflated connection."""
import pathlib
import socket
import tempfile
import unittest
import zlib

from deflate import Deflated
from run import find_scripts, mbox_of, read_exceptions
from template import ScriptError
from tokens import ProtocolError


class Folders(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = pathlib.Path(self.folder.name)
        for name in ('a.txt', 'b', 'a.mbox', 'LICENSE.txt', 'README.md', 'exceptions.txt', '.hidden'):
            (self.path / name).write_text('')

    def tearDown(self):
        self.folder.cleanup()

    def test_scripts_with_and_without_suffix(self):
        self.assertEqual([p.name for p in find_scripts(self.path, [])], ['a.txt', 'b'])
        self.assertEqual([p.name for p in find_scripts(self.path, ['b'])], ['b'])

    def test_mbox(self):
        self.assertEqual(mbox_of(self.path / 'a.txt').name, 'a.mbox')
        with self.assertRaises(ScriptError):
            mbox_of(self.path / 'b')
        (self.path / 'default.mbox').write_text('')
        self.assertEqual(mbox_of(self.path / 'b').name, 'default.mbox')

    def test_exceptions(self):
        (self.path / 'exceptions.txt').write_text('# note\n\na RFC 1 2: why\nb:7  RFC 3\n')
        found = read_exceptions(self.path)
        self.assertEqual((found['a'], found['b:7']), ('RFC 1 2: why', 'RFC 3'))


class Deflating(unittest.TestCase):
    def test_both_ways(self):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            stream = Deflated(ours, ours.makefile('rb'))
            stream.sendall(b'a1 NOOP\r\n')
            self.assertEqual(zlib.decompressobj(wbits=-15).decompress(theirs.recv(1000)), b'a1 NOOP\r\n')
            packer = zlib.compressobj(wbits=-15)
            theirs.sendall(packer.compress(b'* OK a\r\nrest') + packer.flush(zlib.Z_SYNC_FLUSH))
            self.assertEqual((stream.readline(100), stream.read(4)), (b'* OK a\r\n', b'rest'))
            theirs.sendall(b'* OK not deflated\r\n')
            with self.assertRaises(ProtocolError):
                stream.readline(100)
            stream.close()


if __name__ == '__main__':
    unittest.main()
