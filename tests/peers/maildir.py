"""Where Postfix and Exim put what they take: one maildir each; whom a mail was for stands in a header field of theirs."""


class Maildir:
    def __init__(self, path, field):
        self.path, self.field = path, f'\n{field}: '.encode()
        self.known = {}

    def mails(self, rcpt):
        """The bytes of each mail for this recipient, with CRLF."""
        new = self.path / 'new'
        for file in (new.iterdir() if new.is_dir() else ()):
            if file.name not in self.known:
                text = file.read_bytes()
                head = (b'\n' + text).split(b'\n\n')[0]
                self.known[file.name] = (head.split(self.field)[1].split(b'\n')[0].strip(b'<> ').decode(), text)
        return [text.replace(b'\n', b'\r\n') for whom, text in self.known.values() if whom == rcpt]

    def count(self):
        new = self.path / 'new'
        return sum(1 for _ in new.iterdir()) if new.is_dir() else 0
