"""quickstart: from an empty directory to a mail that was sent and read; running it again harms nothing."""
import json
import os
import re
import smtplib
import socket
import subprocess

from world import Pop, Skip, Server, free_ports, no_verify, wait_for


def run(world, *words, check=True, **options):
    done = subprocess.run([world.binary, 'quickstart', *words], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL, **options)
    if check and done.returncode != 0:
        raise AssertionError(f'quickstart {" ".join(words)}: exit {done.returncode}: {done.stdout}{done.stderr}')
    return done


def on_loopback(world, directory):
    """A Server around what quickstart wrote; the well-known ports become free ones of loopback."""
    server = Server(world, 'quick')
    server.config, server.data_dir = directory / 'godwit.toml', directory / 'data'
    text = server.config.read_text()
    imap, imaps = free_ports(2)
    for port, ours in ((25, server.smtp), (587, server.submission), (465, server.submissions), (143, imap), (993, imaps), (110, server.pop3),
                       (995, server.pop3s)):
        text = re.sub(rf'^address  = .*0\.0\.0\.0:{port}".*$', f'address = "127.0.0.1:{ours}"', text, flags=re.M)
    assert '0.0.0.0' not in re.sub('^#.*$', '', text, flags=re.M), text
    server.config.write_text(text)
    world.servers.append(server)
    return server


def send(server, login, password, rcpt, subject):
    with smtplib.SMTP_SSL('127.0.0.1', server.submissions, context=no_verify(), timeout=30) as client:
        client.login(login, password)
        client.sendmail(login, [rcpt], f'From: {login}\r\nTo: {rcpt}\r\nSubject: {subject}\r\n\r\nhello\r\n')


def case_from_nothing_to_a_mail(world):
    directory = world.dir / 'house'
    said = run(world, 'Example.ORG', '--dir', str(directory)).stdout
    password = re.search(r'^account +admin@example\.org: .*: (\S+)$', said, re.M).group(1)
    for record in (r'^example\.org\. +IN +MX +10 \S+\.$', r'^example\.org\. +IN +TXT +"v=spf1 mx -all"$'):
        assert re.search(record, said, re.M), (record, said)
    for later in ('DKIM', 'DMARC', '_dmarc', 'MTA-STS', 'TLSA'):
        assert later not in said, said
    done = subprocess.run([world.binary, 'config', 'check', '-c', directory / 'godwit.toml'], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0 and 'is good' in done.stdout and not done.stderr, done
    assert (directory / 'key.pem').stat().st_mode & 0o007 == 0

    server = on_loopback(world, directory).start()
    send(server, 'admin@example.org', password, 'postmaster@example.org', 'first')
    server.wait_queue_empty()
    pop = Pop(server, 'admin@example.org', password)
    assert b'Subject: first' in pop.multi('RETR 1')
    pop.quit()

    # with the server running: over the control socket, and a second domain joins
    before = {path.name: path.read_bytes() for path in directory.glob('*.*')}
    again = run(world, 'example.org', '--dir', str(directory)).stdout
    assert again.count('kept as it is') == 4 and password not in again and 'MX' in again, again
    other = json.loads(run(world, 'other.example', '--dir', str(directory), '--json').stdout)
    assert other['domain'] == {'domain': 'other.example', 'made': True} and other['account']['password'], other
    assert other['configuration']['made'] is False and other['records'][0]['type'] == 'MX', other
    assert before == {path.name: path.read_bytes() for path in directory.glob('*.*')}
    send(server, 'admin@other.example', other['account']['password'], 'admin@example.org', 'second')
    wait_for('the second mail', lambda: mails(server, 'admin@example.org', password) == 2)
    assert server.stop() == 0


def mails(server, user, password):
    pop = Pop(server, user, password)
    count = pop.count()
    pop.quit()
    return count


def case_interrupted_it_goes_on(world):
    directory = world.dir / 'house'
    run(world, 'example.org', '--dir', str(directory))
    (directory / 'cert.pem').unlink()
    half = run(world, 'example.org', '--dir', str(directory), check=False)
    assert half.returncode == 1 and 'cert.pem is not' in half.stderr, half
    (directory / 'key.pem').unlink()
    answer = json.loads(run(world, 'example.org', '--dir', str(directory), '--json').stdout)
    assert answer['certificate']['made'] and not answer['account']['made'] and 'password' not in answer['account'], answer


def case_mistakes_are_named(world):
    directory = world.dir / 'house'
    for domain, word in (('example', 'one label'), ('192.0.2.1', 'address'), ('[192.0.2.1]', 'address'), ('ann@example.org', 'not a domain')):
        done = run(world, domain, '--dir', str(directory), check=False)
        assert done.returncode == 1 and word in done.stderr, done
    assert run(world, check=False).returncode == 2
    assert run(world, 'example.org', '--dir', str(directory), '-c', str(directory / 'x.toml'), check=False).returncode == 1
    assert not directory.exists()
    (world.dir / 'file').write_text('')
    done = run(world, 'example.org', '--dir', str(world.dir / 'file'), check=False)
    assert done.returncode == 1 and 'file' in done.stderr, done


def case_without_rights(world):
    if os.getuid() != 0:
        raise Skip('needs root to become somebody else')
    done = run(world, 'example.org', '--dir', str(world.dir / 'house'), check=False, user=65534, group=65534, extra_groups=[])
    assert done.returncode == 1 and 'Permission denied' in done.stderr and '--dir' in done.stderr, done
    mine = world.dir / 'mine'
    mine.mkdir()
    os.chown(mine, 65534, 65534)
    run(world, 'example.org', '--dir', str(mine), user=65534, group=65534, extra_groups=[])
    assert (mine / 'key.pem').stat().st_mode & 0o777 == 0o600
    assert not re.search('^user', (mine / 'godwit.toml').read_text(), re.M)


def case_wildcards_bind_side_by_side(world):
    """0.0.0.0 and [::] of one port, as quickstart writes them where the machine has IPv6."""
    directory = world.dir / 'house'
    run(world, 'example.org', '--dir', str(directory))
    with open('/proc/net/if_inet6') as file:
        has_ipv6 = bool(file.read())
    text = (directory / 'godwit.toml').read_text()
    assert ('[::]:25"' in re.sub('^#.*$', '', text, flags=re.M)) == has_ipv6, text
    if not has_ipv6:
        raise Skip('this machine has no IPv6')
    server = on_loopback(world, directory)
    text = server.config.read_text().replace(f'"127.0.0.1:{server.smtp}"', f'["127.0.0.1:{server.smtp}", "[::]:{server.smtp}"]')
    server.config.write_text(text)
    server.start()
    with socket.create_connection(('::1', server.smtp), 5) as s:
        assert s.recv(3) == b'220'
    assert server.stop() == 0
