#pragma once
// The POP3 server: RFC 1939 with CAPA, UIDL, TOP, STLS, AUTH PLAIN and LOGIN, PIPELINING, RESP-CODES, AUTH-RESP-CODE, UTF8, LANG, EXPIRE
// and LOGIN-DELAY.
// One call of serve() a connection.
//
// A session is a snapshot of INBOX, taken at login; deletions apply at QUIT. Two sessions at once disturb nobody: what the
// other one removed answers -ERR. Everything outside (stream, clock, TLS, mail) is passed in.

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
#include "frontend/pop3d/login_delays.h"
#include "state/directory/directory.h"
#include "state/mailbox/mailbox.h"

namespace godwit::pop3d {

// A session keeps the settings that it began with.
struct Settings {
  std::string hostname;
  std::vector<Network> exempt;          // from the limit of connections per address, as loopback is
  std::vector<Network> plaintext_from;  // who may use USER, PASS and AUTH without TLS; nobody else, loopback or not

  // RFC 2449 6.7: EXPIRE 0 instead of NEVER. At QUIT messages that RETR has brought go, as if DELE had named them.
  bool removes_retrieved = false;
  Duration login_delay{};  // RFC 2449 6.5: between two logins to an account, in whole seconds; 0 = none

  Duration idle_timeout = std::chrono::minutes(10);     // RFC 1939 3: at least ten minutes, for one command line
  Duration login_timeout = std::chrono::minutes(1);     // from the greeting to the login in all
  Duration write_timeout = std::chrono::minutes(3);     // for progress of a reply
  Duration tls_timeout = std::chrono::minutes(1);       // for a handshake
  Duration farewell_timeout = std::chrono::seconds(2);  // for the last word of a server that stops

  unsigned max_errors = 20;  // protocol errors that end a session
  unsigned max_wrong_passwords = 3;
  Duration wrong_password_delay = std::chrono::seconds(1);  // times the wrong ones so far
  std::size_t max_command_line = 4'096;                     // with CRLF; RFC 2449 4 asks for 255
  std::size_t max_auth_line = 12'288;                       // as RFC 4954 4
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
  LoginDelays& login_delays;
};

// One connection, from the greeting (`implicit_tls`: from the handshake) to its end. `session_id` is for the log. Start it
// with net::spawn in context.tasks. Never throws.
Task<> serve(std::unique_ptr<net::Stream> stream, bool implicit_tls, std::string session_id, Context& context);

}  // namespace godwit::pop3d
