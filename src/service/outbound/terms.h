#pragma once
// How one server is spoken to: protocol, encryption, login. Values, made of the route, the hop and the settings as they are.

#include <expected>
#include <memory>
#include <optional>
#include <string>

#include "base/blocking_pool.h"
#include "base/random.h"
#include "edge/net/stream.h"
#include "grammar/sasl/mechanism.h"
#include "service/outbound/outbound.h"
#include "service/routing/site.h"

namespace godwit::outbound {

struct Source;

struct Terms {
  bool lmtp = false;
  bool implicit_tls = false;  // the handshake comes before the greeting
  routing::Tls tls = routing::Tls::none;
  std::shared_ptr<net::TlsConnector> connector;  // null: plain text alone
  std::string server_name;                       // for the handshake
  bool loopback = false;                         // nobody else can listen in on the way
  std::optional<sasl::Credentials> login;
  std::string nonce;                 // for one login
  BlockingPool* blocking = nullptr;  // for keys; null: on the loop

  std::string own_name;  // whoever greets with it is ourselves, whatever name this source greets by

  bool must_encrypt() const { return tls >= routing::Tls::encrypt; }
};

// `plain`: the server's TLS failed lately, so that an opportunistic dialogue does without. The outcome (deferred) says what is missing on
// our side.
std::expected<Terms, queue::Outcome> terms_for(const Context& context, const routing::Site& site, const routing::Hop& hop, bool plain,
                                               const Source* source);

}  // namespace godwit::outbound
