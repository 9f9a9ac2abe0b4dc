#!/usr/bin/env python3
"""The Debian package in a clean Debian 12: installs, quickstart, a mail sent and fetched, an upgrade over a queue, removal, purge.

  check.py --deb build/godwit_VERSION_amd64.deb [--base build/package-base.tar] [--held 1000]

Needs root, debootstrap and a Debian mirror ($GODWIT_MIRROR, else the one this machine installs from); without them it says SKIP aloud.
The server runs in a network namespace of its own, so that it can have its real ports. Ends with 'N passed, N failed, N skipped'.
"""
import argparse
import contextlib
import ctypes
import fcntl
import json
import os
import pathlib
import poplib
import re
import shutil
import signal
import smtplib
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import time
import traceback

CLONE_NEWNS, CLONE_NEWNET = 0x00020000, 0x40000000
DOMAIN, ADMIN = 'example.org', 'admin@example.org'
EXPOSURE = 2.0


class Skip(Exception):
    pass


def mirror():
    if 'GODWIT_MIRROR' in os.environ:
        return os.environ['GODWIT_MIRROR']
    targets = subprocess.run(['apt-get', 'indextargets', '--format', '$(RELEASE) $(REPO_URI)', 'Created-By: Packages'], capture_output=True, text=True).stdout
    for line in targets.splitlines():
        release, _, uri = line.partition(' ')
        if release == 'bookworm':
            return uri
    raise Skip('apt knows no mirror of Debian 12; name one in GODWIT_MIRROR')


def run(*words, check=True, timeout=600, **options):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=timeout, stdin=subprocess.DEVNULL, **options)
    if check and done.returncode != 0:
        raise AssertionError(f'{" ".join(map(str, words))}: exit {done.returncode}\n{done.stdout[-3000:]}{done.stderr[-3000:]}')
    return done


def unshare(flag):
    if ctypes.CDLL(None, use_errno=True).unshare(flag) != 0:
        raise Skip(f'no namespaces here: {os.strerror(ctypes.get_errno())}')


def loopback_up():
    with socket.socket() as s:
        name = struct.pack('16sH14x', b'lo', 0x1 | 0x40)  # IFF_UP | IFF_RUNNING
        fcntl.ioctl(s, 0x8914, name)  # SIOCSIFFLAGS


def base_system(tar):
    if tar.exists():
        return
    if not shutil.which('debootstrap'):
        raise Skip('debootstrap is not installed')
    with tempfile.TemporaryDirectory(prefix='godwit-base-', dir='/var/tmp') as directory:
        print(f'      a Debian 12 from {mirror()} (once; kept in {tar})', flush=True)
        done = subprocess.run(['debootstrap', '--variant=minbase', 'bookworm', directory, mirror()], capture_output=True, text=True, timeout=900)
        if done.returncode != 0:
            raise Skip(f'debootstrap failed: {done.stdout.strip().splitlines()[-1:]} {done.stderr.strip()[-300:]}')
        run('tar', '-C', directory, '-cf', f'{tar}.new', '.')
    os.rename(f'{tar}.new', tar)


def no_verify():
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


class Machine:
    """The chroot, and the server in it."""

    def __init__(self, root, deb, held):
        self.root, self.deb, self.held = pathlib.Path(root), deb, held
        self.process = self.password = None

    def inside(self, *words, **options):
        environment = {'PATH': '/usr/sbin:/usr/bin:/sbin:/bin', 'DEBIAN_FRONTEND': 'noninteractive', 'LC_ALL': 'C'}
        return run('chroot', self.root, *words, env=environment, **options)

    def godwit(self, *words):
        return json.loads(self.inside('godwit', '--json', *words).stdout)

    def path(self, name):
        return self.root / name.lstrip('/')

    def mode(self, name):
        """'0711 godwit:godwit', by the chroot's own users."""
        return self.inside('stat', '-c', '0%a %U:%G', name).stdout.strip()

    def start(self):
        log = open(self.path('/var/log/godwit-check.log'), 'ab')
        caps = '+net_bind_service'
        self.process = subprocess.Popen(['chroot', self.root, 'setpriv', '--reuid=godwit', '--regid=godwit', '--init-groups', '--no-new-privs',
                                         f'--inh-caps={caps}', f'--ambient-caps={caps}', '/usr/bin/godwit', 'serve'],
                                        stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        log.close()
        for _ in range(300):
            if self.process.poll() is not None:
                break
            with contextlib.suppress(OSError), socket.create_connection(('127.0.0.1', 25), 1) as s:
                if s.recv(3) == b'220':
                    return
            time.sleep(0.1)
        raise AssertionError(f'the server does not answer: {self.log()}')

    def log(self):
        path = self.path('/var/log/godwit-check.log')
        return path.read_text(errors='replace')[-3000:] if path.exists() else ''

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)
        code, self.process = (self.process.returncode if self.process else 0), None
        return code

    def smtp(self):
        client = smtplib.SMTP_SSL('127.0.0.1', 465, context=no_verify(), timeout=60)
        client.login(ADMIN, self.password)
        return client

    def subjects(self):
        pop = poplib.POP3_SSL('127.0.0.1', 995, timeout=60, context=no_verify())
        pop.user(ADMIN)
        pop.pass_(self.password)
        found = [re.search(rb'Subject: (.*)', b'\n'.join(pop.retr(i + 1)[1])).group(1).decode() for i in range(pop.stat()[0])]
        pop.quit()
        return found

    def held_count(self):
        return self.godwit('queue', 'summary')['messages']


def step_installs(machine):
    shutil.copy('/etc/resolv.conf', machine.path('/etc/resolv.conf'))
    shutil.copy(machine.deb, machine.path('/var/tmp/godwit.deb'))
    machine.inside('apt-get', 'update', '-qq')
    said = machine.inside('apt-get', 'install', '-y', '-qq', '--no-install-recommends', '/var/tmp/godwit.deb').stdout
    assert 'godwit quickstart' in said, said
    machine.inside('apt-get', 'install', '-y', '-qq', '--no-install-recommends', 'man-db')
    for name, mode in (('/var/lib/godwit', '0711 godwit:godwit'), ('/var/lib/godwit/maildrop', '01730 godwit:godwit-drop'),
                       ('/run/godwit', '0755 godwit:godwit'), ('/etc/godwit', '0755 root:root'), ('/usr/bin/godwit', '0755 root:root')):
        assert machine.mode(name) == mode, (name, machine.mode(name))
    if machine.path('/usr/sbin/sendmail').exists():
        assert machine.mode('/usr/sbin/sendmail') == '02755 root:godwit-drop', machine.mode('/usr/sbin/sendmail')
    assert not list(machine.path('/etc/godwit').iterdir()), 'a configuration was shipped'
    wanted = '/etc/systemd/system/multi-user.target.wants/godwit.service'
    assert machine.path(wanted).is_symlink(), 'the unit is not enabled'
    shell = machine.inside('getent', 'passwd', 'godwit').stdout
    assert shell.strip().endswith('/usr/sbin/nologin'), shell
    assert re.match(r'godwit \d', machine.inside('godwit', '--version').stdout)
    files = machine.inside('dpkg', '-L', 'godwit').stdout
    for name in ('man8/godwit.8.gz', 'man5/godwit.toml.5.gz', 'doc/godwit/copyright', 'doc/godwit/operator', 'system/godwit.service'):
        assert name in files, (name, files)


def step_unit(machine):
    if not shutil.which('systemd-analyze'):
        raise Skip('systemd-analyze is not installed')
    unit = machine.path('/usr/lib/systemd/system/godwit.service')
    # --root would look for the sysinit.target of a Debian without systemd: the unit alone, with the program where it lies
    with tempfile.TemporaryDirectory() as directory:
        copy = pathlib.Path(directory) / 'godwit.service'
        copy.write_text(unit.read_text().replace('/usr/bin/godwit', str(machine.path('/usr/bin/godwit'))))
        verify = run('systemd-analyze', 'verify', '--man=no', copy)
        assert not verify.stdout.strip() and not verify.stderr.strip(), verify
        said = run('systemd-analyze', 'security', '--offline=yes', copy).stdout
    exposure = float(re.search(r'Overall exposure level for \S+: ([\d.]+)', said).group(1))
    assert exposure <= EXPOSURE, f'exposure {exposure}'
    print(f'      exposure {exposure}')


def step_quickstart(machine):
    first = machine.godwit('quickstart', DOMAIN)
    machine.password = first['account']['password']
    assert first['configuration']['made'] and first['certificate']['made'] and first['domain']['made'], first
    for name, mode in (('/etc/godwit/godwit.toml', '0644 root:root'), ('/etc/godwit/key.pem', '0640 root:godwit'),
                       ('/etc/godwit/cert.pem', '0644 root:root'), ('/var/lib/godwit/rows', '0700 godwit:godwit')):
        assert machine.mode(name) == mode, (name, machine.mode(name))
    text = machine.path('/etc/godwit/godwit.toml').read_text()
    assert 'user = "godwit"' in text and 'run_dir = "/run/godwit"' in text, text
    assert 'is good' in machine.inside('godwit', 'config', 'check').stdout
    again = machine.godwit('quickstart', DOMAIN)
    assert not any(again[part]['made'] for part in ('configuration', 'certificate', 'domain', 'account')), again
    refused = machine.inside('godwit', 'quickstart', DOMAIN, '--dir', '/root/mail', check=False)
    assert refused.returncode == 1 and 'cannot enter /root' in refused.stderr, refused


def step_sends_and_fetches(machine):
    machine.start()
    for name in ('/etc/godwit/key.pem', '/etc/godwit/godwit.toml'):
        assert os.stat(machine.path(name)).st_uid == 0, name
    with machine.smtp() as client:
        client.sendmail(ADMIN, ['postmaster@example.org'], 'Subject: first\r\n\r\nhello\r\n')
    for _ in range(100):
        if machine.subjects() == ['first']:
            return
        time.sleep(0.1)
    raise AssertionError(machine.log())


def step_upgrades_over_a_queue(machine):
    with open(machine.path('/etc/godwit/godwit.toml'), 'a') as file:
        file.write('\n[[route]]\ndomain = "*"\nto = "hold"\n')
    machine.process.send_signal(signal.SIGHUP)
    time.sleep(0.5)
    with machine.smtp() as client:
        for i in range(machine.held):
            client.sendmail(ADMIN, [f'r{i}@elsewhere.test'], f'Subject: held {i}\r\n\r\nbody {i}\r\n')
    assert machine.held_count() == machine.held, machine.held_count()
    before = {name: (machine.path(name).read_bytes(), machine.mode(name)) for name in
              ('/etc/godwit/godwit.toml', '/etc/godwit/key.pem', '/etc/godwit/cert.pem')}
    install_next(machine)
    assert machine.process.poll() is None, 'the upgrade ended a server that is not its own'
    assert machine.stop() == 0, machine.log()
    machine.start()
    assert machine.held_count() == machine.held, machine.held_count()
    assert before == {name: (machine.path(name).read_bytes(), machine.mode(name)) for name in before}
    machine.inside('godwit', 'queue', 'drop', '--to', 'r1@elsewhere.test')
    assert machine.held_count() == machine.held - 1
    assert machine.subjects() == ['first']
    assert machine.stop() == 0, machine.log()


def install_next(machine):
    """The same package under the next version."""
    tree = machine.path('/var/tmp/next')
    run('dpkg-deb', '-R', machine.deb, tree)
    control = tree / 'DEBIAN/control'
    control.write_text(re.sub(r'^(Version: .*)$', r'\1+next', control.read_text(), flags=re.M))
    run('dpkg-deb', '--root-owner-group', '-Zgzip', '-b', tree, machine.path('/var/tmp/next.deb'))
    machine.inside('dpkg', '-i', '/var/tmp/next.deb')
    assert '+next' in machine.inside('dpkg-query', '-W', 'godwit').stdout


def step_removal_keeps_mail(machine):
    said = machine.inside('dpkg', '-r', 'godwit').stdout
    assert 'kept in /var/lib/godwit' in said, said
    assert not machine.path('/usr/bin/godwit').exists()
    assert machine.path('/var/lib/godwit/rows').is_dir() and machine.path('/etc/godwit/godwit.toml').exists()
    machine.inside('dpkg', '-i', '/var/tmp/next.deb')
    assert machine.held_count() == machine.held - 1, 'mail of before the removal'


def step_purges(machine):
    said = machine.inside('dpkg', '-P', 'godwit').stdout
    assert 'removing /var/lib/godwit' in said, said
    for name in ('/var/lib/godwit', '/etc/godwit', '/run/godwit', '/usr/share/doc/godwit', '/usr/lib/systemd/system/godwit.service'):
        assert not machine.path(name).exists(), name
    left = machine.inside('find', '/etc', '/usr', '/var/lib', '/run', '-xdev', '-iname', '*godwit*', '-not', '-path', '/var/lib/dpkg/*').stdout
    assert not left.strip(), left


STEPS = [step_installs, step_unit, step_quickstart, step_sends_and_fetches, step_upgrades_over_a_queue, step_removal_keeps_mail, step_purges]


def check(arguments):
    if os.getuid() != 0:
        raise Skip('needs root')
    base_system(arguments.base)
    passed = skipped = 0
    unshare(CLONE_NEWNS)
    run('mount', '--make-rprivate', '/')
    root = tempfile.mkdtemp(prefix='godwit-package-', dir='/var/tmp')
    machine = Machine(root, arguments.deb, arguments.held)
    try:
        run('tar', '-C', root, '-xf', arguments.base)
        os.chmod(root, 0o755)
        run('mount', '-t', 'proc', 'proc', machine.path('/proc'))
        for step in STEPS:
            if step is step_quickstart:  # from here on nothing needs the mirror, and ports below 1024 are ours alone
                unshare(CLONE_NEWNET)
                loopback_up()
            begin = time.monotonic()
            label = 'package.' + step.__name__.removeprefix('step_')
            try:
                step(machine)
                passed += 1
                print(f'ok    {label} ({time.monotonic() - begin:.1f} s)', flush=True)
            except Skip as skip:
                skipped += 1
                print(f'SKIP  {label}: {skip}', flush=True)
            except Exception:  # noqa: BLE001 - what comes after builds on it
                print(f'FAIL  {label} ({time.monotonic() - begin:.1f} s)', flush=True)
                traceback.print_exc(file=sys.stdout)
                print(machine.log())
                return passed, 1, skipped
    finally:
        machine.stop()
        run('umount', machine.path('/proc'), check=False)
        shutil.rmtree(root, ignore_errors=True)
    return passed, 0, skipped


def main():
    parser = argparse.ArgumentParser(description='the Debian package in a clean chroot')
    parser.add_argument('--deb', type=pathlib.Path, required=True)
    parser.add_argument('--base', type=pathlib.Path, default=pathlib.Path('build/package-base.tar'))
    parser.add_argument('--held', type=int, default=1000)
    arguments = parser.parse_args()
    arguments.deb, arguments.base = arguments.deb.resolve(), arguments.base.resolve()
    try:
        passed, failed, skipped = check(arguments)
    except Skip as skip:
        print(f'SKIP  package: {skip}')
        passed, failed, skipped = 0, 0, len(STEPS)
    print(f'{passed} passed, {failed} failed, {skipped} skipped')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
