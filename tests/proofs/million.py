#!/usr/bin/env python3
"""A million (or more) queued messages to 10,000 domains, one of them dead: what the start, the memory, the summary and new mail cost.

  million.py --godwit build/release/godwit --fill build/release/tests/proofs/fill_queue [--millions N] [--keep DIR]

The queue is filled offline by fill_queue: all but one message a domain have had an attempt and wait for hours; those are fresh. Then: start to
first delivery, resident memory, `queue summary`, and the accept rate (to a domain that a route discards) beside that of an empty server of the
same run. Prints each figure with its bound; exit 1 if one is not met.
"""
import argparse
import os
import pathlib
import shutil
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / 'bench'))
from blast import blast  # noqa: E402
import fake_dns  # noqa: E402

DOMAINS = 10_000
LOAD = 60_000


def records(name, kind):
    """dN.many.test has the MX mxN.many.test: d0's is dead, the others' lie on loopback addresses of their own."""
    labels = name.split('.')
    if labels[-2:] != ['many', 'test'] or not labels[0].lstrip('dmx').isdigit():
        return None
    number = int(labels[0].lstrip('dmx'))
    if labels[0].startswith('d'):
        return [struct.pack('>H', 10) + fake_dns.encode(f'mx{number}.many.test')] if kind == fake_dns.MX else []
    address = '127.255.255.254' if number == 0 else f'127.1.{number >> 8}.{number & 255}'
    return [socket.inet_aton(address)] if kind == fake_dns.A else []


class Farm:
    """Every address of 127.1.0.0/16 on one port; notes when the first message came."""

    def __init__(self):
        self.first, self.taken = None, 0
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(('0.0.0.0', 0))
        self.listener.listen(4096)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            connection, _ = self.listener.accept()
            if connection.getsockname()[0] == '127.255.255.254':
                connection.close()
                continue
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with connection, connection.makefile('rb') as lines:
            connection.sendall(b'220 farm\r\n')
            body = False
            for line in lines:
                if body:
                    if line == b'.\r\n':
                        body = False
                        self.first = self.first or time.monotonic()
                        self.taken += 1
                        connection.sendall(b'250 taken\r\n')
                elif line[:4].upper() == b'DATA':
                    body = True
                    connection.sendall(b'354 go\r\n')
                elif line[:4].upper() == b'QUIT':
                    connection.sendall(b'221 bye\r\n')
                    return
                else:
                    connection.sendall(b'250 farm\r\n' if line[:4].upper() == b'EHLO' else b'250 ok\r\n')


class Server:
    def __init__(self, binary, directory, farm, dns):
        with socket.socket() as s:
            s.bind(('127.0.0.1', 0))
            self.port = s.getsockname()[1]
        self.binary, self.directory = binary, directory
        self.config = pathlib.Path(f'{directory}.toml')
        self.config.write_text(
            f'hostname = "mx.example.test"\ndata_dir = "{directory}"\n[[listener]]\nprotocol = "smtp"\naddress = "127.0.0.1:{self.port}"\n'
            f'[smtp]\nrelay_from = ["127.0.0.0/8"]\n[store]\nmin_free = "64MiB"\n[dns]\nservers = ["127.0.0.1:{dns.port}"]\ntrust_anchor = ""\n'
            f'[outbound]\nport = {farm.port}\nforbidden_networks = []\n[log]\nlevel = "warning"\n[[route]]\ndomain = "discard.test"\nto = "discard"\n')

    def start(self):
        self.begin = time.monotonic()
        self.process = subprocess.Popen([self.binary, 'serve', '-c', str(self.config)], stdin=subprocess.DEVNULL, stderr=open(f'{self.directory}.log', 'wb'))
        while True:
            try:
                socket.create_connection(('127.0.0.1', self.port), 1).close()
                break
            except OSError:
                if self.process.poll() is not None:
                    sys.exit(f'godwit ended: {open(f"{self.directory}.log").read()[-2000:]}')
                time.sleep(0.01)
        self.open_after = time.monotonic() - self.begin

    def stop(self):
        self.process.terminate()
        self.process.wait(60)

    def memory(self):
        with open(f'/proc/{self.process.pid}/status') as status:
            return {line.split(':')[0]: int(line.split()[1]) / 1024 for line in status if line.startswith(('VmRSS', 'VmHWM', 'RssAnon'))}

    def summary(self):
        times = []
        for _ in range(7):
            begin = time.monotonic()
            done = subprocess.run([self.binary, 'queue', 'summary', '--json', '-c', str(self.config)], capture_output=True, text=True)
            times.append(time.monotonic() - begin)
            if done.returncode != 0:
                sys.exit(done.stderr)
        return statistics.median(times) * 1000, done.stdout

    def accept_rate(self):
        recipients = [f'user{i}@discard.test' for i in range(LOAD)]
        begin = time.monotonic()
        for thread in blast(self.port, 40, recipients, 4096):
            thread.join()
        return LOAD / (time.monotonic() - begin)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--godwit', required=True)
    parser.add_argument('--fill', required=True)
    parser.add_argument('--millions', type=float, default=1)
    parser.add_argument('--keep', help='a directory that stays, and is used again')
    arguments = parser.parse_args()
    count = int(arguments.millions * 1_000_000)
    base = pathlib.Path(arguments.keep or tempfile.mkdtemp(prefix='godwit-million-'))
    base.mkdir(exist_ok=True)
    fake_dns.records = records
    dns, farm = fake_dns.FakeDns(), Farm()
    failed = False

    def check(what, value, unit, bound, most=True):
        nonlocal failed
        met = value <= bound if most else value >= bound
        failed |= not met
        print(f'{"ok  " if met else "MISS"}  {what}: {value:,.1f} {unit} ({"at most" if most else "at least"} {bound:,} {unit})', flush=True)

    try:
        if not (base / 'data').exists():
            begin = time.monotonic()
            subprocess.run([arguments.fill, str(base / 'data'), str(count), str(DOMAINS)], check=True)
            print(f'      {count:,} messages to {DOMAINS:,} domains written in {time.monotonic() - begin:.0f} s', flush=True)
        empty = Server(arguments.godwit, base / 'empty', farm, dns)
        empty.start()
        rates = [empty.accept_rate() for _ in range(3)]
        empty.stop()
        full = Server(arguments.godwit, base / 'data', farm, dns)
        full.start()
        while farm.first is None and time.monotonic() < full.begin + 120:
            time.sleep(0.01)
        check('start to first delivery', (farm.first or full.begin + 120) - full.begin, 's', 3)
        print(f'      it listens after {full.open_after:.2f} s', flush=True)
        deadline = time.monotonic() + 180
        while farm.taken < DOMAINS - 2 and time.monotonic() < deadline:
            time.sleep(0.1)
        print(f'      {farm.taken:,} fresh messages delivered {time.monotonic() - full.begin:.1f} s after the start', flush=True)
        milliseconds, text = full.summary()
        check('queue summary', milliseconds, 'ms', 100)
        loaded = [full.accept_rate() for _ in range(3)]
        check('accept rate of the empty one\'s', 100 * statistics.median(loaded) / statistics.median(rates), '%', 80, most=False)
        print(f'      {statistics.median(loaded):,.0f}/s with them queued, {statistics.median(rates):,.0f}/s empty', flush=True)
        memory = full.memory()
        check('resident memory', memory['VmRSS'], 'MB', 300 if arguments.millions <= 1 else 2_000)
        print(f'      most ever {memory["VmHWM"]:.0f} MB, of it anonymous now {memory["RssAnon"]:.0f} MB', flush=True)
        full.stop()
    finally:
        if not arguments.keep:
            shutil.rmtree(base, ignore_errors=True)
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
