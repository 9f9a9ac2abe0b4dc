"""Events: webhooks that are slow, fail, restart and are killed under; the file; tail and status; accounts that burst."""
import base64
import hashlib
import hmac
import http.server
import json
import signal
import smtplib
import threading
import time
import urllib.request

from world import PASSWORD, no_verify, wait_for

ANN, BOB = 'ann@example.org', 'bob@example.org'
SECRET = b'0123456789abcdef0123456789abcdef'


class Receiver(http.server.ThreadingHTTPServer):
    """Counts what it takes; `behave(n)` may return a status other than 204, or sleep, for the n-th request."""
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port=0, behave=None):
        self.events, self.requests, self.lock, self.behave, self.bad = [], 0, threading.Lock(), behave or (lambda n: 204), []
        super().__init__(('127.0.0.1', port), ReceiverHandler)
        self.port = self.server_address[1]
        threading.Thread(target=self.serve_forever, kwargs={'poll_interval': 0.05}, daemon=True).start()

    def handle_error(self, request, client_address):
        pass

    def close(self):
        self.shutdown()
        self.server_close()

    def ids(self):
        with self.lock:
            return [e['id'] for e in self.events]

    def of(self, kind):
        with self.lock:
            return [e for e in self.events if e['type'] == kind]


class ReceiverHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def log_message(self, *arguments):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers['Content-Length']))
        receiver = self.server
        text = f'{self.headers["webhook-id"]}.{self.headers["webhook-timestamp"]}.'.encode() + body
        wanted = 'v1,' + base64.b64encode(hmac.new(SECRET, text, hashlib.sha256).digest()).decode()
        with receiver.lock:
            receiver.requests += 1
            number = receiver.requests
            if self.headers['webhook-signature'] != wanted:
                receiver.bad.append(self.headers['webhook-signature'])
        status = receiver.behave(number)
        if status == 204:
            with receiver.lock:
                receiver.events += json.loads(body)
        self.send_response(status)
        self.send_header('Content-Length', '0')
        self.end_headers()


def receiver(world, **settings):
    made = Receiver(**settings)
    world.closers.append(made.close)
    return made


def webhook(world, port, name='hook', **keys):
    secret = world.dir / 'secret'
    secret.write_text('whsec_' + base64.b64encode(SECRET).decode() + '\n')
    lines = ''.join(f'{k} = {json.dumps(v)}\n' for k, v in keys.items())
    return f'[[webhook]]\nname = "{name}"\nurl = "http://127.0.0.1:{port}/events?of=mail"\nsecret_file = "{secret}"\n{lines}'


def send(server, count, rcpt=BOB, sender='', first=0):
    client = smtplib.SMTP('127.0.0.1', server.smtp, timeout=30)
    client.ehlo()
    accepted = []
    for i in range(first, first + count):
        message_id = f'<{i}.{server.name}@client.test>'
        client.mail(sender)
        code, text = client.rcpt(rcpt)
        assert code == 250, text
        code, text = client.data(f'Message-ID: {message_id}\r\nSubject: {i}\r\n\r\nhello\r\n'.encode())
        assert code == 250, text
        accepted.append(message_id)
    client.quit()
    return accepted


def case_every_event_arrives_though_the_receiver_fails_and_restarts(world):
    hook = receiver(world, behave=lambda n: 503 if n % 3 == 1 else 204)
    port = hook.port
    server = world.server(extra=webhook(world, port, batch=7)).setup().start()
    accepted = send(server, 40)
    wait_for('all are delivered', lambda: len(hook.of('delivered')) >= 40, 60)
    hook.close()
    accepted += send(server, 20, first=40)
    time.sleep(1)
    again = receiver(world, port=port)
    events = lambda: hook.events + again.events
    wait_for('the rest arrives after a restart', lambda: len({e['message'] for e in events() if e['type'] == 'delivered'}) >= 60, 60)
    wait_for('accepted as well', lambda: {e['message_id'] for e in events() if e['type'] == 'accepted'} >= set(accepted), 20)
    assert not hook.bad and not again.bad, hook.bad
    one = next(e for e in events() if e['type'] == 'delivered')
    for key in ('id', 'type', 'time', 'message', 'recipient', 'message_id', 'remote', 'attempt', 'tenant'):
        assert key in one, (key, one)
    assert one['recipient'] == BOB and one['message_id'] in accepted, one
    status = server.cli('events', 'status', json_out=True)
    assert status['sinks'][0]['sent'] >= 40 and status['dropped'] == 0, status
    assert 'hook' in server.cli('events', 'status').stdout


def case_kill_loses_no_event(world):
    """A ledger outside: what got a 250 has an accepted event, what is in the queue no more has its end, whatever was killed."""
    hook = receiver(world, behave=lambda n: 500 if n % 5 == 2 else 204)
    file = world.dir / 'events.json'
    server = world.server(extra=webhook(world, hook.port) + f'[events]\nfile = "{file}"\n').setup().start()
    accepted, rounds = [], 40 if world.long else 5
    for number in range(rounds):
        stop = threading.Event()
        ledger = []

        def load(base):
            i = base
            try:
                while not stop.is_set():
                    ledger.extend(send(server, 5, first=i))
                    i += 5
            except (OSError, smtplib.SMTPException, AssertionError):
                pass
        threads = [threading.Thread(target=load, args=(number * 1_000_000 + t * 100_000,)) for t in range(3)]
        for thread in threads:
            thread.start()
        time.sleep(0.4 + 0.1 * (number % 3))
        server.kill()
        stop.set()
        for thread in threads:
            thread.join()
        accepted += ledger
        server.start()
    server.wait_queue_empty()
    assert len(accepted) > 20, len(accepted)

    def told(events, kind):
        return {e['message_id'] for e in events if e['type'] == kind}

    def lines():
        return [json.loads(line) for line in file.read_text().splitlines()]
    for kind in ('accepted', 'delivered'):
        wait_for(f'each is {kind} at the webhook', lambda k=kind: told(hook.events, k) >= set(accepted), 60, 0.2)
        wait_for(f'each is {kind} in the file', lambda k=kind: told(lines(), k) >= set(accepted), 60, 0.2)
    by_id = {}
    for event in lines() + hook.events:
        assert by_id.setdefault(event['id'], event) == event, 'one id, two events'
    assert len(by_id) >= 2 * len(accepted)


def case_slow_receiver_slows_neither_mail_nor_the_other(world):
    slow = receiver(world, behave=lambda n: time.sleep(60) or 204)
    fast = receiver(world)
    server = world.server(extra=webhook(world, slow.port, 'slow') + webhook(world, fast.port, 'fast', events=['delivered'])).setup().start()
    begin = time.monotonic()
    send(server, 200)
    wait_for('the fast one has all', lambda: len(fast.of('delivered')) >= 200, 30)
    assert time.monotonic() - begin < 30
    assert {e['type'] for e in fast.events} == {'delivered'}
    server.wait_queue_empty()
    begin = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - begin < 15, 'a hanging receiver held up the end'


def case_bounced_deferred_held_and_tail(world):
    sink = world.sink(reply=lambda verb, argument: '550 5.1.1 no such user' if verb == 'RCPT' and 'nobody' in argument else
                      '451 4.7.1 later' if verb == 'RCPT' and 'later' in argument else None)
    server = world.server(extra=f'[events]\nenabled = true\n[[route]]\ndomain = "far.test"\nto = "smtp://127.0.0.1:{sink.port}"\n'
                          '[[route]]\ndomain = "hold.test"\nto = "hold"\n[smtp]\nrelay_from = ["127.0.0.1/32"]\n').setup().start()
    send(server, 1, 'nobody@far.test')
    send(server, 1, 'later@far.test', first=1)
    send(server, 1, 'x@hold.test', first=2)

    def types():
        done = server.cli('events', 'tail', '-n', '100', '--json')
        return [json.loads(line) for line in done.stdout.splitlines()]
    wait_for('they are told', lambda: {'bounced', 'deferred', 'held'} <= {e['type'] for e in types()})
    bounced = next(e for e in types() if e['type'] == 'bounced')
    assert bounced['status'] == '5.1.1' and bounced['code'] == 550 and 'no such user' in bounced['reply'], bounced
    deferred = next(e for e in types() if e['type'] == 'deferred')
    assert deferred['next_attempt'] > deferred['time'] and deferred['attempt'] == 1, deferred
    text = server.cli('events', 'tail', '--type', 'bounced,deferred').stdout
    assert 'nobody@far.test' in text and 'accepted' not in text, text
    assert server.cli('events', 'tail', '--type', 'nonsense', check=False).returncode == 1
    server.cli('queue', 'release', '--id', next(e for e in types() if e['type'] == 'held')['message'])
    wait_for('released', lambda: 'released' in {e['type'] for e in types()})


def case_gone_stops_until_a_reload(world):
    answers = [410]
    hook = receiver(world, behave=lambda n: answers[0])
    server = world.server(extra=webhook(world, hook.port)).setup().start()
    send(server, 1)
    wait_for('it is stopped', lambda: server.cli('events', 'status', json_out=True)['sinks'][0]['stopped'])
    send(server, 3, first=1)
    time.sleep(2)
    assert hook.requests == 1, hook.requests
    answers[0] = 204
    server.process.send_signal(signal.SIGHUP)
    wait_for('it goes on', lambda: len(hook.of('delivered')) >= 4)


def case_no_events_unless_asked_for(world):
    server = world.server().setup().start()
    send(server, 1)
    server.wait_queue_empty()
    assert not (server.data_dir / 'events').exists()
    refused = server.cli('events', 'status', check=False)
    assert refused.returncode == 1 and 'switched off' in refused.stderr, refused.stderr
    with urllib.request.urlopen(f'http://127.0.0.1:{server.http}/metrics') as metrics:
        assert b'godwit_events_total' not in metrics.read()


def case_webhooks_in_plain_text_are_for_loopback(world):
    server = world.server(extra='[[webhook]]\nurl = "http://hooks.example.net/x"\n')
    done = server.cli('config', 'check', check=False)
    assert done.returncode == 1 and 'allow_plaintext' in done.stdout + done.stderr, done.stdout + done.stderr


def case_account_release_and_purge(world):
    server = world.server(extra='[[route]]\ndomain = "far.test"\nto = "hold"\n').setup().start()
    client = smtplib.SMTP_SSL('127.0.0.1', server.submissions, context=no_verify(), timeout=30)
    client.login(ANN, PASSWORD)
    for i in range(3):
        client.sendmail(ANN, [f'r{i}@far.test'], 'Subject: x\r\n\r\nhello\r\n')
    client.quit()
    assert server.queue_size() == 3
    assert 'was not held' in server.cli('account', 'release', ANN).stdout
    wait_for('held again by the route', lambda: server.queue_size() == 3)
    assert '3 dropped' in server.cli('account', 'purge', ANN).stdout
    wait_for('they are gone', lambda: server.queue_size() == 0)
