"""Sources: mail leaves from the address of its pool, through a SOCKS 5 proxy, through a proxy that takes PROXY headers."""
import contextlib
import smtplib
import socket
import socketserver
import struct
import threading

from world import PASSWORD, Handler, Sink, no_verify, wait_for

ANN = 'ann@example.org'


def send(server, rcpt, header=''):
    client = smtplib.SMTP_SSL('127.0.0.1', server.submissions, context=no_verify(), timeout=30)
    client.login(ANN, PASSWORD)
    client.sendmail(ANN, [rcpt], (header + 'Subject: sources\r\n\r\nhello\r\n').encode())
    client.quit()


class Peer:
    """A sink that knows from where it was called, and by which name."""

    def __init__(self, world, reply=lambda address, verb: None):
        self.calls = []  # (address, EHLO name)
        peer = self

        class Noting(Handler):
            def setup(self):
                super().setup()
                self.server.here.address = self.client_address[0]

        def answer(verb, argument):
            address = self.sink.here.address
            if verb == 'EHLO':
                peer.calls.append((address, argument))
            return reply(address, verb)

        self.sink = world.sink(reply=answer)
        self.sink.here = threading.local()  # a thread a connection
        self.sink.RequestHandlerClass = Noting
        self.port, self.mails = self.sink.port, self.sink.mails


class Forwarder(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """What a proxy does behind its own handshake."""
    allow_reuse_address = daemon_threads = True

    def __init__(self, world, handler):
        self.asked = []
        super().__init__(('127.0.0.1', 0), handler)
        self.port = self.server_address[1]
        threading.Thread(target=self.serve_forever, kwargs={'poll_interval': 0.05}, daemon=True).start()
        world.closers.append(self.close)

    def handle_error(self, request, client_address):
        pass

    def close(self):
        self.shutdown()
        self.server_close()


def exactly(sock, count):
    data = b''
    while len(data) < count:
        more = sock.recv(count - len(data))
        if not more:
            raise ConnectionError('closed')
        data += more
    return data


def pump(a, b):
    def one(source, to):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                to.sendall(data)
            to.shutdown(socket.SHUT_WR)
    other = threading.Thread(target=one, args=(b, a), daemon=True)
    other.start()
    one(a, b)
    other.join(30)


class Socks(socketserver.BaseRequestHandler):
    def handle(self):
        sock = self.request
        version, count = exactly(sock, 2)
        methods = exactly(sock, count)
        assert version == 5 and 2 in methods, methods
        sock.sendall(b'\x05\x02')
        assert exactly(sock, 1) == b'\x01'
        user = exactly(sock, exactly(sock, 1)[0])
        password = exactly(sock, exactly(sock, 1)[0])
        good = (user, password) == (b'godwit', b'proxy password')
        sock.sendall(b'\x01\x00' if good else b'\x01\x01')
        if not good:
            return
        version, command, _, kind = exactly(sock, 4)
        assert (version, command, kind) == (5, 1, 1), 'CONNECT to an IPv4 address'
        address, port = socket.inet_ntoa(exactly(sock, 4)), struct.unpack('!H', exactly(sock, 2))[0]
        self.server.asked.append((address, port))
        try:
            there = socket.create_connection((address, port), 10, source_address=('127.0.0.21', 0))
        except OSError:
            sock.sendall(b'\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00')
            return
        there.settimeout(None)
        sock.sendall(b'\x05\x00\x00\x01\x7f\x00\x00\x15\x00\x00')
        with there:
            pump(sock, there)


class ProxyHeader(socketserver.BaseRequestHandler):
    def handle(self):
        head = exactly(self.request, 16)
        assert head[:12] == b'\r\n\r\n\0\r\nQUIT\n' and head[12:14] == b'\x21\x11', head
        body = exactly(self.request, struct.unpack('!H', head[14:])[0])
        source, to = socket.inet_ntoa(body[:4]), (socket.inet_ntoa(body[4:8]), struct.unpack('!H', body[10:12])[0])
        self.server.asked.append((source, to))
        with socket.create_connection(to, 10, source_address=(source, 0)) as there:
            there.settimeout(None)
            pump(self.request, there)


def source(name, **keys):
    return ''.join(['[[source]]\n', f'name = "{name}"\n', *(f'{key} = "{value}"\n' for key, value in keys.items())])


def pool(name, *sources):
    return f'[[pool]]\nname = "{name}"\nsources = [{", ".join(chr(34) + s + chr(34) for s in sources)}]\n'


def route(to, **keys):
    return ''.join(['[[route]]\n', *(f'{key} = "{value}"\n' for key, value in keys.items()), f'to = "{to}"\n'])


def case_pools_by_route(world):
    peer = Peer(world)
    hop = f'smtp://127.0.0.1:{peer.port}'
    server = world.server(extra=source('one', address='127.0.0.11', hostname='one.mail.test') + source('two', address='127.0.0.12')
                          + pool('one', 'one') + pool('both', 'one', 'two')
                          + route(hop, header='X-Kind: bulk', pool='both') + route(hop, domain='one.test', pool='one')
                          + route(hop, domain='*')).setup().start()
    send(server, 'bob@one.test')
    wait_for('the first mail is there', lambda: len(peer.mails) == 1)
    assert peer.calls == [('127.0.0.11', 'one.mail.test')], peer.calls
    send(server, 'bob@other.test')
    wait_for('the second mail is there', lambda: len(peer.mails) == 2)
    assert peer.calls[1] == ('127.0.0.1', 'mx.example.org'), peer.calls
    for _ in range(30):
        send(server, 'bob@far.test', header='X-Kind: bulk\r\n')
    wait_for('all of it is there', lambda: len(peer.mails) == 32)
    assert ('127.0.0.11', 'one.mail.test') in peer.calls[2:] and ('127.0.0.12', 'mx.example.org') in peer.calls[2:], peer.calls
    story = server.cli('trace', 'bob@one.test').stdout
    assert 'from one, <bob@one.test>' in story, story
    server.wait_queue_empty()


def case_blocked_address_is_left_aside(world):
    def reply(address, verb):
        if verb == 'MAIL' and address == '127.0.0.11':
            return '550 5.7.1 Service unavailable; client host [127.0.0.11] blocked using bl.test'
        return None
    peer = Peer(world, reply=reply)
    server = world.server(extra=source('one', address='127.0.0.11') + source('two', address='127.0.0.12') + pool('both', 'one', 'two')
                          + route(f'smtp://127.0.0.1:{peer.port}', domain='*', pool='both')).setup().start()
    for _ in range(40):
        send(server, 'bob@far.test')
    server.wait_queue_empty()
    log = server.log.read_text()
    bounced, delivered = log.count('source=one remote=127.0.0.1:%d outcome=bounced' % peer.port), log.count('source=two remote=127.0.0.1:%d outcome=delivered' % peer.port)
    assert 3 <= bounced <= 10 and bounced + delivered == 40, (bounced, delivered)
    assert 'event="site rests"' in log and 'class=blocked_ip' in log


def case_address_of_nobody(world):
    peer = Peer(world)
    server = world.server(extra=source('lost', address='192.0.2.77') + source('two', address='127.0.0.12') + pool('both', 'lost', 'two')
                          + route(f'smtp://127.0.0.1:{peer.port}', domain='*', pool='both')).setup()
    checked = server.cli('config', 'check')
    assert 'source lost: 192.0.2.77 is not an address of this machine' in checked.stderr, checked.stderr
    server.expect_errors = True
    server.start()
    for _ in range(20):
        send(server, 'bob@far.test')
    wait_for('all of it goes from the other one', lambda: len(peer.mails) == 20)
    assert {address for address, _ in peer.calls} == {'127.0.0.12'}
    assert 'source failed' in server.log.read_text()


def case_socks_and_proxy_header(world):
    peer = Peer(world)
    socks, proxy = Forwarder(world, Socks), Forwarder(world, ProxyHeader)
    password = world.dir / 'proxy.password'
    password.write_text('proxy password\n')
    password.chmod(0o600)
    hop = f'smtp://127.0.0.1:{peer.port}'
    server = world.server(extra=source('socks', via=f'socks5://localhost:{socks.port}', user='godwit', password_file=password)
                          + source('told', via=f'proxy://127.0.0.1:{proxy.port}', address='127.0.0.22') + pool('socks', 'socks') + pool('told', 'told')
                          + route(hop, domain='socks.test', pool='socks') + route(hop, domain='told.test', pool='told')).setup().start()
    send(server, 'bob@socks.test')
    send(server, 'bob@told.test')
    wait_for('both are there', lambda: len(peer.mails) == 2)
    assert sorted(address for address, _ in peer.calls) == ['127.0.0.21', '127.0.0.22'], peer.calls
    assert socks.asked == [('127.0.0.1', peer.port)], socks.asked
    assert proxy.asked == [('127.0.0.22', ('127.0.0.1', peer.port))], proxy.asked
    # a proxy that is gone keeps the mail here, with the reason
    server.wait_queue_empty()
    server.stop()
    socks.close()
    server.expect_errors = True
    server.start()
    send(server, 'bob@socks.test')
    wait_for('the reason is told', lambda: 'the source socks cannot be used' in str(server.cli('queue', 'list', json_out=True)['messages']))


def case_warmup_survives_a_restart(world):
    import time
    peer = Peer(world)
    table = world.dir / 'warmup-table.toml'
    table.write_text('daily = [3, 3]\n')
    today = time.strftime('%Y-%m-%d', time.gmtime())
    server = world.server(extra=source('new', address='127.0.0.13', warmup=today) + source('old', address='127.0.0.14') + pool('new', 'new')
                          + pool('both', 'new', 'old') + f'[outbound]\nwarmup = "{table}"\n'
                          + route(f'smtp://127.0.0.1:{peer.port}', domain='alone.test', pool='new')
                          + route(f'smtp://127.0.0.1:{peer.port}', domain='*', pool='both')).setup().start()
    for _ in range(12):
        send(server, 'bob@far.test')
        server.wait_queue_empty()
    assert len(peer.mails) == 12
    server.stop()
    assert ' new 127.0.0.1\n' in (server.data_dir / 'warmup').read_text()
    server.start()
    for _ in range(4):
        send(server, 'bob@alone.test')
    wait_for('it is kept back', lambda: 'gets no more today from new, still warming up' in str(server.cli('queue', 'list', json_out=True)['messages']))
    counts = [int(line.split()[0]) for line in (server.data_dir / 'warmup').read_text().splitlines()[1:]]
    assert counts == [3], counts
