#!/usr/bin/env python3
"""Side by side with Debian's Postfix on loopback: rate, CPU seconds per 1,000 messages, memory an idle connection, latency.

  run.py --godwit build/release/godwit [--rounds N] [receive|relay|mx|sites|latency|idle ...]

relay: a route, for both; mx: Godwit asks a name server for the MX, Postfix has its route; sites: to one domain, to 2,000 domains of one
provider, to 200 sites.

Every cell runs Postfix and Godwit one after the other in the same round, so that drift of the machine hits both; the ceiling is
smtp-source straight into smtp-sink in the same round. CPU is that of the server's processes (children included), not of the load.
Prints a table of medians with the ratios that matter. Nothing here is a test: numbers are for reading.
"""
import argparse
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from blast import blast  # noqa: E402
from fake_dns import FakeDns  # noqa: E402

TICK = os.sysconf('SC_CLK_TCK')


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def stat_of(pid):
    with open(f'/proc/{pid}/stat') as file:
        return file.read().rpartition(')')[2].split()


def tree(root):
    """The process and everything below it."""
    parents = {}
    for name in os.listdir('/proc'):
        if name.isdigit():
            try:
                parents.setdefault(int(stat_of(name)[1]), []).append(int(name))
            except (OSError, IndexError):
                pass
    found, todo = [], [root]
    while todo:
        pid = todo.pop()
        found.append(pid)
        todo += parents.get(pid, [])
    return found


def cpu_seconds(root):
    """User and system time of a tree: what lives, and what its members have reaped."""
    total = 0
    for pid in tree(root):
        try:
            fields = stat_of(pid)
            total += sum(int(fields[i]) for i in (11, 12, 13, 14))
        except (OSError, IndexError):
            pass
    return total / TICK


def resident(root):
    total = 0
    for pid in tree(root):
        try:
            with open(f'/proc/{pid}/smaps_rollup') as file:
                total += sum(int(line.split()[1]) for line in file if line.startswith('Anonymous:'))
        except OSError:
            pass
    return total * 1024


def wait_port(port, process=None, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process and process.poll() is not None:
            raise SystemExit(f'the server on port {port} ended with {process.returncode}')
        try:
            with socket.create_connection(('127.0.0.1', port), 1) as s:
                if s.recv(3) == b'220':
                    s.sendall(b'QUIT\r\n')
                    return
        except OSError:
            pass
        time.sleep(0.05)
    raise SystemExit(f'nothing answers on port {port}')


class Godwit:
    name = 'godwit'

    def __init__(self, binary, base):
        self.binary, self.base = os.path.abspath(binary), base / 'godwit'

    def start(self, mode, sink):
        shutil.rmtree(self.base, ignore_errors=True)
        self.base.mkdir(parents=True)
        self.port = free_port()
        cert, key = self.base / 'cert.pem', self.base / 'key.pem'
        subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=bench.test',
                        '-keyout', key, '-out', cert], check=True, capture_output=True)
        to = {'hold': 'hold', 'relay': f'smtp://127.0.0.1:{sink}', 'mx': 'mx'}[mode]
        self.dns = FakeDns() if mode == 'mx' else None
        world = f'[dns]\nservers = ["127.0.0.1:{self.dns.port}"]\ntrust_anchor = ""\n[outbound]\nport = {sink}\nforbidden_networks = []\n' if self.dns else ''
        (self.base / 'godwit.toml').write_text(
            f'hostname = "bench.test"\ndata_dir = "{self.base}/data"\n[tls]\ncertificate = "{cert}"\nkey = "{key}"\n'
            f'[[listener]]\nprotocol = "smtp"\naddress = "127.0.0.1:{self.port}"\n[smtp]\nrelay_from = ["127.0.0.0/8"]\n'
            f'{world}[limits]\nconnections = 20000\n[[route]]\ndomain = "*"\nto = "{to}"\n[log]\nlevel = "warning"\n')
        with open(self.base / 'log', 'wb') as log:
            self.process = subprocess.Popen([self.binary, 'serve', '-c', str(self.base / 'godwit.toml')], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.root = self.process.pid
        wait_port(self.port, self.process)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
        if self.dns:
            self.dns.close()


class Postfix:
    name = 'postfix'

    def __init__(self, base):
        self.base = base / 'postfix'

    def start(self, mode, sink):
        shutil.rmtree(self.base, ignore_errors=True)
        for folder in ('etc', 'queue', 'lib', 'log'):
            (self.base / folder).mkdir(parents=True)
            os.chmod(self.base / folder, 0o755)
        os.chmod(self.base, 0o755)
        shutil.chown(self.base / 'lib', 'postfix')
        self.port = free_port()
        settings = {
            'compatibility_level': '3.6', 'queue_directory': self.base / 'queue', 'data_directory': self.base / 'lib', 'myhostname': 'bench.test',
            'mydestination': '', 'mynetworks': '127.0.0.0/8', 'inet_interfaces': '127.0.0.1', 'inet_protocols': 'ipv4', 'alias_maps': '', 'alias_database': '',
            'local_recipient_maps': '', 'smtpd_peername_lookup': 'no', 'smtpd_recipient_restrictions': 'permit_mynetworks, reject', 'smtp_dns_support_level': 'disabled',
            'relayhost': f'[127.0.0.1]:{sink}', 'default_process_limit': '200', 'smtpd_client_connection_count_limit': '0', 'smtpd_timeout': '600s',
            'maillog_file': self.base / 'log' / 'maillog', 'maillog_file_prefixes': '/tmp', 'smtp_tls_security_level': 'none'}
        if mode == 'hold':
            settings['smtpd_client_restrictions'] = 'check_client_access static:HOLD'
        (self.base / 'etc' / 'main.cf').write_text(''.join(f'{k} = {v}\n' for k, v in settings.items()))
        lines = []
        for line in pathlib.Path('/usr/share/postfix/master.cf.dist').read_text().splitlines():
            fields = line.split()
            if line and line[0] not in '# ' and len(fields) >= 8:
                fields[4] = 'n'
                if fields[0] == 'smtp' and fields[1] == 'inet':
                    fields[0] = f'127.0.0.1:{self.port}'
                line = ' '.join(fields)
            lines.append(line)
        if not any(line.startswith('postlog ') for line in lines):
            lines.append('postlog unix-dgram n - n - 1 postlogd')
        (self.base / 'etc' / 'master.cf').write_text('\n'.join(lines) + '\n')
        for name in ('dynamicmaps.cf', 'postfix-files'):
            if os.path.exists(f'/etc/postfix/{name}'):
                os.symlink(f'/etc/postfix/{name}', self.base / 'etc' / name)
        subprocess.run(['postfix', '-c', self.base / 'etc', 'start'], check=True, capture_output=True, stdin=subprocess.DEVNULL)
        wait_port(self.port)
        self.root = int((self.base / 'queue' / 'pid' / 'master.pid').read_text())

    def stop(self):
        subprocess.run(['postfix', '-c', self.base / 'etc', 'stop'], capture_output=True, timeout=60)


class Sink:
    """smtp-sink; `counting` has it say how many messages it has taken, which costs it a little."""

    def __init__(self, counting=True):
        self.port, self.taken = free_port(), 0
        self.process = subprocess.Popen(['smtp-sink', '-u', 'postfix', *(['-c'] if counting else []), f':{self.port}', '1024'],
                                        stdout=subprocess.PIPE if counting else subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if counting:  # it must never wait for us to read
            threading.Thread(target=self.follow, daemon=True).start()
        wait_port(self.port)

    def follow(self):
        tail = b''
        while data := os.read(self.process.stdout.fileno(), 65536):
            tail = (tail + data)[-200:]
            if counts := re.findall(rb'mesg=(\d+)', tail.rpartition(b'\r')[0]):
                self.taken = int(counts[-1])

    def close(self):
        self.process.kill()
        self.process.wait()


def source(port, sessions, count, size):
    return subprocess.Popen(['smtp-source', '-d', '-s', str(sessions), '-m', str(count), '-l', str(size), '-f', 'from@bench.test', '-t', 'to@sink.test',
                             f'127.0.0.1:{port}'], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def receive(server, sessions, count, size):
    before, begin = cpu_seconds(server.root), time.monotonic()
    process = source(server.port, sessions, count, size)
    error = process.communicate(timeout=300)[1]
    elapsed = time.monotonic() - begin
    if process.returncode != 0:
        print(f'  {server.name}: smtp-source ended with {process.returncode}: {error.decode()[-200:]}')
    time.sleep(0.3)
    return count / elapsed, (cpu_seconds(server.root) - before) * 1000 / count


def relay(server, sink, sessions, count, size):
    """From the first connection until the next hop has the last message."""
    start, before, begin = sink.taken, cpu_seconds(server.root), time.monotonic()
    process = source(server.port, sessions, count, size)
    while sink.taken - start < count and time.monotonic() - begin < 120:
        time.sleep(0.005)
    elapsed = time.monotonic() - begin
    process.communicate(timeout=60)
    arrived = sink.taken - start
    if arrived < count:
        print(f'  {server.name}: only {arrived} of {count} messages arrived in {elapsed:.0f} s')
    time.sleep(0.3)
    return arrived / elapsed, (cpu_seconds(server.root) - before) * 1000 / count


def spread(server, sink, sessions, recipients, size):
    """From the first connection until the next hops have the last message."""
    start, before, begin = sink.taken, cpu_seconds(server.root), time.monotonic()
    threads = blast(server.port, sessions, recipients, size)
    while sink.taken - start < len(recipients) and time.monotonic() - begin < 120:
        time.sleep(0.005)
    elapsed = time.monotonic() - begin
    for thread in threads:
        thread.join(60)
    arrived = sink.taken - start
    if arrived < len(recipients):
        print(f'  {server.name}: only {arrived} of {len(recipients)} messages arrived in {elapsed:.0f} s')
    time.sleep(0.3)
    return arrived / elapsed, (cpu_seconds(server.root) - before) * 1000 / len(recipients)


SPREADS = (('one domain', lambda i: 'to@sink.test'),
           ('2,000 domains of one MX set', lambda i: f'to@d{i % 2000}.one.test'),
           ('200 sites', lambda i: f'to@s{1 + i % 200}.many.test'))


def measure_spreads(server, rounds, count):
    for label, to in SPREADS:
        runs = []
        for _ in range(rounds):
            sink = Sink()
            server.start('mx', sink.port)
            try:
                spread(server, sink, 20, [to(i) for i in range(count // 10)], 4096)
                runs.append(spread(server, sink, 20, [to(i) for i in range(count)], 4096))
            finally:
                server.stop()
                sink.close()
        print(f'4 KB, 20 sessions, {label:28} {statistics.median(r[0] for r in runs):8.0f}/s {statistics.median(r[1] for r in runs):8.3f} CPU-s/1000', flush=True)


def ceiling(sessions, count, size):
    sink = Sink(counting=False)
    try:
        begin = time.monotonic()
        source(sink.port, sessions, count, size).wait(300)
        return count / (time.monotonic() - begin)
    finally:
        sink.close()


def one_message(port, number):
    begin = time.monotonic()
    with socket.create_connection(('127.0.0.1', port), 10) as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        file = s.makefile('rb')

        def talk(text):
            if text:
                s.sendall(text)
            while (line := file.readline())[3:4] == b'-':
                pass
            if line[:1] not in b'23':
                raise SystemExit(f'refused: {line!r}')
        talk(None)
        for command in (b'EHLO me\r\n', b'MAIL FROM:<from@bench.test>\r\n', b'RCPT TO:<to@sink.test>\r\n', b'DATA\r\n',
                        b'Subject: %d\r\n\r\n' % number + (b'x' * 70 + b'\r\n') * 56 + b'.\r\n'):
            talk(command)
        took = time.monotonic() - begin
        s.sendall(b'QUIT\r\n')
        return took


def idle(server, count, tls):
    """Anonymous memory a connection that has said EHLO (inside TLS, if asked) and nothing more."""
    time.sleep(1)
    before, connections = resident(server.root), []
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        for i in range(count):
            s = socket.socket()
            s.settimeout(20)
            s.bind((f'127.0.{1 + i // 5000}.{1 + i % 50}', 0))
            s.connect(('127.0.0.1', server.port))
            s.recv(512)
            s.sendall(b'EHLO me\r\n')
            s.recv(1024)
            if tls:
                s.sendall(b'STARTTLS\r\n')
                s.recv(512)
                s = context.wrap_socket(s)
                s.sendall(b'EHLO me\r\n')
                s.recv(1024)
            connections.append(s)
        time.sleep(1)
        return (resident(server.root) - before) / len(connections) / 1024
    finally:
        for s in connections:
            s.close()
        time.sleep(1)


# Messages for Postfix and for Godwit: some seconds each.
CELLS = (('receive', 'receive 4 KB, 100 sessions', 100, 4096, (4000, 30000)),
         ('receive', 'receive 64 KB, 20 sessions', 20, 65536, (1000, 5000)),
         ('relay', 'relay 4 KB, 20 sessions', 20, 4096, (2000, 20000)),
         ('relay', 'relay 64 KB, 20 sessions', 20, 65536, (600, 3000)),
         ('mx', 'by MX 4 KB, 20 sessions', 20, 4096, (2000, 20000)),
         ('mx', 'by MX 64 KB, 20 sessions', 20, 65536, (600, 3000)))


def measure(kind, servers, rounds, sessions, size, counts):
    """Each round: the tools alone, then each server, warmed up by a tenth of its messages."""
    results, top = {s.name: [] for s in servers}, []
    for _ in range(rounds):
        top.append(ceiling(sessions, counts[1], size))
        for server, count in zip(servers, counts):
            sink = Sink() if kind != 'receive' else None
            server.start(kind if sink else 'hold', sink.port if sink else 9)
            run = (lambda n: relay(server, sink, sessions, n, size)) if sink else (lambda n: receive(server, sessions, n, size))
            try:
                run(count // 10)
                results[server.name].append(run(count))
            finally:
                server.stop()
                if sink:
                    sink.close()
    return results, top


def show(label, results, top):
    median = statistics.median
    (pr, pc), (gr, gc) = ((median([x[0] for x in results[n]]), median([x[1] for x in results[n]])) for n in ('postfix', 'godwit'))
    print(f'{label:28} {median(top):10.0f} {pr:10.0f} {pc:11.3f} {gr:10.0f} {gc:11.3f} {gr / pr:6.1f}x {gr / median(top):9.0%}', flush=True)


def main():
    parser = argparse.ArgumentParser(description='side by side with Postfix')
    parser.add_argument('--godwit', default='build/release/godwit')
    parser.add_argument('--rounds', type=int, default=3)
    parser.add_argument('--idle', type=int, default=10_000)
    parser.add_argument('tests', nargs='*', default=[])
    arguments = parser.parse_args()
    tests = arguments.tests or ['receive', 'relay', 'mx', 'sites', 'latency', 'idle']
    if os.getuid() != 0 or not shutil.which('smtp-source') or not os.path.exists('/usr/sbin/postfix'):
        sys.exit('the bench needs root (Postfix does) and Debian\'s postfix: ./dev bench installs it')
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    base = pathlib.Path(tempfile.mkdtemp(prefix='godwit-bench-', dir='/tmp'))
    os.chmod(base, 0o755)
    servers = [Postfix(base), Godwit(arguments.godwit, base)]
    try:
        if {'receive', 'relay', 'mx'} & set(tests):
            print(f'{"":28} {"ceiling/s":>10} {"postfix/s":>10} {"CPU-s/1000":>11} {"godwit/s":>10} {"CPU-s/1000":>11} {"ratio":>7} {"of ceiling":>10}', flush=True)
        for kind, label, sessions, size, counts in CELLS:
            if kind in tests:
                show(label, *measure(kind, servers, arguments.rounds, sessions, size, counts))
        if 'sites' in tests:
            measure_spreads(servers[1], arguments.rounds, 20000)
        if 'latency' in tests:
            for server in servers:
                server.start('hold', 9)
                times = []
                for i in range(200):
                    times.append(one_message(server.port, i) * 1000)
                    time.sleep(0.01)
                times.sort()
                print(f'connect to 250, one message on an idle system: {server.name} p50 {times[100]:.2f} ms, p99 {times[197]:.2f} ms')
                server.stop()
        if 'idle' in tests:
            server = servers[1]
            for tls in (False, True):
                server.start('hold', 9)
                print(f'{arguments.idle} idle connections ({"TLS" if tls else "plain"}): {idle(server, arguments.idle, tls):.1f} KiB each')
                server.stop()
    finally:
        for server in servers:
            try:
                server.stop()
            except Exception:  # noqa: BLE001 - may never have started
                pass
        shutil.rmtree(base, ignore_errors=True)


if __name__ == '__main__':
    main()
