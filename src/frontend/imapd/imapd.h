#pragma once
// The IMAP server: IMAP4rev1 (RFC 3501) and IMAP4rev2 (RFC 9051) with the extensions of capabilities.h. One call of serve() a connection.
//
// Sessions of an account see each other's changes: at the end of each command and in IDLE. Everything outside (stream, clock, TLS, mail)
// is passed in.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/ip.h"
#include "edge/net/connection_limits.h"
#include "edge/net/stream.h"
#include "edge/net/task_group.h"
#include "edge/store/blobs.h"
#include "state/directory/directory.h"
#include "state/mailbox/mailbox.h"

namespace godwit::imapd {

// A session keeps the settings that it began with.
struct Settings {
  std::string hostname;
  std::vector<Network> exempt;               // from the limit of connections per address, as loopback is
  std::vector<Network> plaintext_from;       // who may use LOGIN and AUTHENTICATE without TLS; nobody else, loopback or not
  std::vector<std::string> without;          // capabilities that are not announced and not there, in upper case
  std::uint64_t append_limit = 50ull << 20;  // octets of a message: RFC 7889
  mailbox::Quota quota;                      // of each account

  Duration idle_timeout = std::chrono::minutes(30);    // RFC 9051 5.4: at least 30 minutes
  Duration idle_news = std::chrono::minutes(4);        // a sign of life in IDLE, so that no NAT forgets the connection
  Duration login_timeout = std::chrono::minutes(1);    // from the greeting to the login in all
  Duration literal_timeout = std::chrono::minutes(3);  // without a byte of a literal
  Duration write_timeout = std::chrono::minutes(3);    // for progress of a response
  Duration tls_timeout = std::chrono::minutes(1);      // for a handshake

  unsigned max_errors = 20;  // protocol errors that end a session
  unsigned max_wrong_passwords = 3;
  Duration wrong_password_delay = std::chrono::seconds(1);  // times the wrong ones so far
  std::size_t max_line = 64 * 1024;                         // of a command, without literals (RFC 7162 4 asks for 8 KiB)
  std::size_t max_line_before_login = 12'288;               // as RFC 4954 4
};

// What a session works with; outlives all sessions. Functions are called on the session's loop.
struct Context {
  directory::Directory& directory;
  mailbox::Mailboxes& mailboxes;
  store::Blobs& blobs;
  Clock& clock;
  std::function<std::shared_ptr<net::TlsAcceptor>()> tls;  // the current identity; null: no TLS here
  std::function<std::shared_ptr<const Settings>()> settings;
  net::TaskGroup& tasks;  // stop() ends sessions that wait for a command, others after their command; cut() ends those too
  net::ConnectionLimits& limits;
};

// One connection, from the greeting (`implicit_tls`: from the handshake) to its end. `session_id` is for the log. Start it
// with net::spawn in context.tasks. Never throws.
Task<> serve(std::unique_ptr<net::Stream> stream, bool implicit_tls, std::string session_id, Context& context);

}  // namespace godwit::imapd
