#pragma once
// Where mail leaves to: hops, and how they are spoken to. Values; any thread.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace godwit::routing {

struct Hop {
  enum class Protocol : std::uint8_t { smtp, smtps, lmtp };
  Protocol protocol = Protocol::smtp;
  std::string host;  // name or IP address; "" with a path
  std::uint16_t port = 25;
  std::uint16_t tier = 0;    // hops of one tier are equals: tried in random order, a lower tier before a higher one
  std::string path = {};     // of a Unix socket (lmtp alone)
  std::string text() const;  // "smtp://127.0.0.1:2600", "lmtp://unix:/run/dovecot/lmtp"
  // Nobody else can listen in on the way there: a Unix socket, a loopback address, "localhost".
  bool is_loopback() const;
};
// "smtp://host" (port 25), "smtps://host" (465), "lmtp://host" (24), each with ":port" or not, "[::1]" an IPv6 address;
// "lmtp://unix:/absolute/path".
Result<Hop> parse_hop(std::string_view text);

// What has to hold before a message is handed to a server.
enum class Tls : std::uint8_t {
  none,           // plain text
  opportunistic,  // encrypted where the server can, whoever it is (RFC 7435)
  encrypt,        // encrypted, whoever it is; else the message waits
  verify,         // encrypted, and the certificate is the server's by the word of a CA that this machine trusts; else the message waits
};

std::string_view to_string(Tls level);  // as in the configuration

// Who we are to a smarthost. The password is not here: outbound::Settings has it, so that a reload changes it under open sites.
struct Login {
  std::string user;
  std::string password_file;
};

// Destinations that share one pool of connections and one set of limits.
struct Site {
  std::string name;       // key of the pool: the hops' texts or the sorted MX set, and what follows if it is not the default
  std::vector<Hop> hops;  // in order of preference; the later ones are fall backs; all LMTP or none
  // Named by the DNS and not by the operator: [outbound] forbidden_networks and the search for ourselves apply.
  bool by_mx = false;
  std::optional<Tls> tls = {};  // as the route says; nothing: tls_level() has the default
  std::string tls_name = {};    // in the server's certificate; "": the hop's host
  std::optional<Login> login = {};
  std::string pool = {};  // of source addresses, as the route says; "": the outbound's choice
};

// The level for one hop. What the route does not say: a way that leads over a network is verified when a password goes there or when
// it is smtps://; everything else is opportunistic where [outbound] starttls says so.
Tls tls_level(const Site& site, const Hop& hop, bool starttls);

}  // namespace godwit::routing
