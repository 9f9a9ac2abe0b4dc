#pragma once
// The SMTP server: MX, submission and submissions (RFC 5321, 6409, 8314), one call of serve() a connection.
//
// What a client says becomes commands (grammar/smtp), what it may do is decided by service/intake; here is the dialogue: order of
// commands, replies, TLS, AUTH, limits. Everything outside (stream, clock, randomness, TLS) is passed in.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/ip.h"
#include "base/random.h"
#include "edge/net/connection_limits.h"
#include "edge/net/stream.h"
#include "edge/net/task_group.h"
#include "service/intake/intake.h"
#include "state/directory/directory.h"

namespace godwit::smtpd {

enum class Role : std::uint8_t {
  mx,           // port 25: anybody, for local recipients; `relay_from` may relay
  submission,   // port 587: STARTTLS, then AUTH
  submissions,  // port 465: TLS from the first byte, then AUTH
};
std::string_view to_string(Role role);

// The defaults are DESIGN.md's "Defaults on the wire". A session keeps the settings that it began with.
struct Settings {
  std::string hostname;
  std::uint64_t max_message_size = 50ULL << 20;  // announced (RFC 1870); intake enforces its own
  std::vector<Network> relay_from;               // may relay on the mx role; exempt as `allow` is
  std::vector<Network> allow;                    // no limit per address, no delay

  Duration command_timeout = std::chrono::minutes(5);  // RFC 5321 4.5.3.2.7, for the whole line
  Duration first_command_under_load = std::chrono::seconds(30);
  Duration data_timeout = std::chrono::minutes(3);      // in a body, without a byte
  Duration data_total = std::chrono::hours(2);          // for a body in all
  Duration data_grace = std::chrono::minutes(1);        // before the rate is looked at
  std::uint64_t data_minimum_rate = 1'024;              // bytes a second
  Duration write_timeout = std::chrono::minutes(5);     // for progress of a reply
  Duration tls_timeout = std::chrono::minutes(1);       // for a handshake
  Duration farewell_timeout = std::chrono::seconds(2);  // for the 421 of a server that stops

  unsigned max_errors = 20;                // protocol errors that end a session
  std::uint64_t refused_recipients = 100;  // so many refused and none accepted; one more ends the session. 0: no limit
  std::size_t max_command_line = 4'096;    // with CRLF
  std::size_t max_auth_line = 12'288;      // RFC 4954 4
  unsigned max_auth_failures = 5;
  Duration auth_failure_delay = std::chrono::seconds(1);  // times the failures so far
};

// What a session works with; outlives all sessions. Functions are called on the session's loop.
struct Context {
  intake::Intake& intake;
  directory::Directory& directory;
  Clock& clock;
  Random& random;
  std::function<std::shared_ptr<net::TlsAcceptor>()> tls;  // the current identity; null: no TLS here
  std::function<std::shared_ptr<const Settings>()> settings;
  // stop() tells sessions to end: 421 at once when idle, after the message when in one, without a word in a
  // TLS handshake; cut(): 421 at once, whatever they wait for.
  net::TaskGroup& tasks;
  net::ConnectionLimits& limits;
};

// One connection, from the greeting (submissions: from the handshake) to its end. Start it with net::spawn in context.tasks.
// Never throws; logs what happens under a session id.
Task<> serve(std::unique_ptr<net::Stream> stream, Role role, Context& context);

}  // namespace godwit::smtpd
