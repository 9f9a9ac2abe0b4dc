"""The names of this little world, and who serves them: nsd what is true, liar.test our own server (dns_server.py), unbound asks both.

Godwit, Postfix and Exim all ask unbound at RESOLVER.
"""
import pathlib
import subprocess

from world import wait_for

RESOLVER, AUTHORITY, LIAR = '127.0.0.53', '127.0.0.52', '127.0.0.54'
GODWIT, GODWIT_BESIDE, NOBODY = '127.0.0.10', '127.0.0.11', '127.0.0.99'
POSTFIX, POSTFIX_PLAIN, EXIM, EXIM_PLAIN = '127.0.0.20', '127.0.0.21', '127.0.0.30', '127.0.0.31'
RECEIVERS = [f'127.0.0.{n}' for n in range(40, 90)]  # scripted ones: receivers.py; r40.test, r41.test ... lead to them

HEAD = '$TTL 30\n@ IN SOA ns.test. hostmaster.test. 1 3600 600 86400 5\n@ IN NS ns.test.\n'


def hosts():
    named = {'ns': AUTHORITY, 'mx.godwit': GODWIT, 'mx.postfix': POSTFIX, 'plain-mx.postfix': POSTFIX_PLAIN, 'mx.exim': EXIM, 'plain-mx.exim': EXIM_PLAIN,
             'nobody': NOBODY, 'godwit-by-another-name': GODWIT}
    named |= {f'mx.{address.rpartition(".")[2]}': address for address in RECEIVERS}
    return ''.join(f'{name} IN A {address}\n' for name, address in named.items())


def good():
    """Domains with mail: each server's own, one without STARTTLS, one that travels through another server."""
    lines = []
    for server in ('godwit', 'postfix', 'exim'):
        lines += [f'{server} IN MX 10 mx.{server}', f'plain.{server} IN MX 10 {"mx" if server == "godwit" else "plain-mx"}.{server}',
                  f'corpus.{server} IN MX 10 mx.{server}', f'control.{server} IN MX 10 mx.{server}']
    lines += [f'r{address.rpartition(".")[2]} IN MX 10 mx.{address.rpartition(".")[2]}' for address in RECEIVERS]
    lines += ['fallback IN MX 10 nobody', 'fallback IN MX 20 mx.postfix',  # the first is down
              'address-only IN A ' + POSTFIX,  # no MX: RFC 5321 5.1
              'slow-aaaa IN MX 10 a-only.liar',  # its A is there, about its AAAA nobody answers
              'both IN MX 10 two-families', 'two-families IN AAAA ::1', f'two-families IN A {POSTFIX}']  # nobody listens at ::1
    return lines


def bad():
    lines = ['null IN MX 0 .', 'down IN MX 10 nobody', 'nothing IN TXT "no MX, no address"',
             'to-nothing IN MX 10 absent.test.', 'to-nothing IN MX 20 missing.test.',  # the names do not exist
             'to-no-address IN MX 10 nothing',
             'to-cname IN MX 10 alias', 'alias IN CNAME mx.postfix', 'cname-domain IN CNAME postfix',
             'circle IN CNAME circle2', 'circle2 IN CNAME circle', 'to-circle IN MX 10 circle',
             'to-address IN MX 10 127.0.0.20.',  # an address where a name belongs
             'ourselves IN MX 10 mx.godwit', 'ourselves-by-address IN MX 10 godwit-by-another-name',
             'backup IN MX 10 nobody', 'backup IN MX 20 mx.godwit', 'backup IN MX 30 mx.postfix']  # we are the second: the third is not for us
    lines += [f'many IN MX {10 if n < 4 else 20} many-{n}' for n in range(200)]
    lines += [f'many-{n} IN A {POSTFIX if n < 4 else NOBODY}' for n in range(200)]
    long = 'a-name-that-is-nearly-as-long-as-a-label-may-be-to-fill-up'
    lines += [f'huge IN MX {10 if n == 0 else 20} {"mx.postfix" if n == 0 else f"{long}-{n}"}' for n in range(750)]  # 60 KB
    return lines


def zones():
    test = HEAD + hosts() + '\n'.join([*good(), *bad()]) + '\n'
    signed = HEAD + f'@ IN MX 10 mx\nmx IN A {POSTFIX}\n'
    return {'test': test, 'signed.test': signed, 'bogus.test': signed}


def sign(root, directory, zone):
    """Signs the zone file; its public key as a trust anchor."""
    def run(*words):
        return subprocess.run([str(root / 'usr/bin' / words[0]), *words[1:]], cwd=directory, check=True, capture_output=True, text=True).stdout
    key = run('ldns-keygen', '-a', 'ED25519', '-k', '-r', '/dev/urandom', zone).strip()
    run('ldns-signzone', '-f', f'{zone}.zone', '-o', zone, f'{zone}.plain', key)
    return (directory / f'{key}.key').read_text()


class Dns:
    def __init__(self, directory, root):
        self.directory, self.root = directory, root
        self.anchors = directory / 'anchors'
        self.resolver = None
        self.write_zones()
        self.write_nsd()
        self.write_unbound()
        self.authority = self.run('nsd', '-d', '-c', 'nsd.conf')
        wait_for('nsd answers', lambda: self.ask('mx.godwit.test', 'A', AUTHORITY) == GODWIT)  # unbound would not ask it again soon
        self.start_resolver()

    def write_zones(self):
        for zone, text in zones().items():
            (self.directory / f'{zone}.zone').write_text(text)
            (self.directory / f'{zone}.plain').write_text(text)
        self.anchors.write_text(''.join(sign(self.root, self.directory, zone) for zone in ('signed.test', 'bogus.test')))
        bogus = self.directory / 'bogus.test.zone'
        text = bogus.read_text()
        assert f'\tA\t{POSTFIX}' in text and 'MX\t10 mx' in text, text
        bogus.write_text(text.replace('MX\t10 mx', 'MX\t11 mx'))  # not what was signed

    def write_nsd(self):
        d = self.directory
        (d / 'nsd.conf').write_text(
            f'server:\n ip-address: {AUTHORITY}\n username: ""\n zonesdir: "{d}"\n database: ""\n'
            f' pidfile: ""\n xfrdfile: "{d}/xfrd"\n zonelistfile: "{d}/zones"\n'
            f' server-count: 1\n rrl-ratelimit: 0\nremote-control:\n control-enable: no\n' +
            ''.join(f'zone:\n name: {zone}\n zonefile: {zone}.zone\n' for zone in zones()))

    def write_unbound(self):
        (self.directory / 'unbound.conf').write_text(
            f'server:\n interface: {RESOLVER}\n access-control: 127.0.0.0/8 allow\n username: ""\n chroot: ""\n directory: "{self.directory}"\n pidfile: ""\n'
            ' use-syslog: no\n module-config: "iterator"\n do-not-query-localhost: no\n local-zone: "test." nodefault\n do-ip6: no\n num-threads: 1\n'
            ' infra-host-ttl: 1\n cache-max-negative-ttl: 1\nremote-control:\n control-enable: no\n'
            f'stub-zone:\n name: "test."\n stub-addr: {AUTHORITY}\nstub-zone:\n name: "liar.test."\n stub-addr: {LIAR}\n')

    def run(self, program, *words):
        with open(self.directory / f'{program}.log', 'ab') as log:
            return subprocess.Popen([self.root / 'usr/sbin' / program, *words], cwd=self.directory, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def start_resolver(self):
        self.resolver = self.run('unbound', '-d', '-c', 'unbound.conf')
        wait_for('the name servers answer', lambda: self.ask('mx.godwit.test', 'A') == GODWIT, 20)

    def ask(self, name, kind, server=RESOLVER):
        done = subprocess.run([self.root / 'usr/bin/drill', '-t', '-Q', f'@{server}', name, kind], capture_output=True, text=True, timeout=30)
        return done.stdout.strip()

    def truncates(self, name, kind):
        """Whether nsd asks to come again by TCP."""
        done = subprocess.run([self.root / 'usr/bin/drill', '-u', '-b', '1232', f'@{AUTHORITY}', name, kind], capture_output=True, text=True, timeout=30)
        return ' tc' in done.stdout.split(';; QUESTION')[0]

    def logs(self):
        return [pathlib.Path(self.directory / name) for name in ('nsd.log', 'unbound.log')]
