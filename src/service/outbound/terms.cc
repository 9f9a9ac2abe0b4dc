#include "service/outbound/terms.h"

#include <fmt/format.h>

#include "service/outbound/outcomes.h"
#include "service/outbound/source.h"

namespace godwit::outbound {
namespace {

constexpr std::size_t kNonce = 24;  // characters of 5 bits: 120 bits

// Owned by the application, which outlives every dialogue.
std::shared_ptr<net::TlsConnector> unowned(net::TlsConnector& connector) { return {std::shared_ptr<void>(), &connector}; }

}  // namespace

std::expected<Terms, queue::Outcome> terms_for(const Context& context, const routing::Site& site, const routing::Hop& hop, bool plain,
                                               const Source* source) {
  const auto settings = context.settings();
  Terms terms;
  terms.own_name = settings->hostname;
  terms.lmtp = hop.protocol == routing::Hop::Protocol::lmtp;
  terms.implicit_tls = hop.protocol == routing::Hop::Protocol::smtps;
  const bool proxied = source && source->proxied;  // then this machine is another one
  terms.loopback = !site.by_mx && hop.is_loopback() && !proxied;
  terms.tls = routing::tls_level(site, hop, settings->starttls);
  if (proxied && site.login && hop.is_loopback() && terms.tls == routing::Tls::opportunistic) terms.tls = routing::Tls::encrypt;
  if (terms.tls == routing::Tls::opportunistic && plain) terms.tls = routing::Tls::none;
  terms.server_name = site.tls_name.empty() ? hop.host : site.tls_name;
  if (terms.tls == routing::Tls::verify)
    terms.connector = settings->verifying;
  else if (terms.tls != routing::Tls::none)
    terms.connector = unowned(context.tls);
  if (terms.must_encrypt() && !terms.connector)
    return std::unexpected(unreachable(
        {4, 7, 5}, "certificates cannot be verified: this server has no trusted ones; install ca-certificates and reload", hop.text()));
  if (!site.login) return terms;
  const auto password = settings->passwords.find(site.login->password_file);
  if (password == settings->passwords.end())
    return std::unexpected(unreachable(
        {4, 7, 0}, fmt::format("the password in {} could not be read; mend the file and reload", site.login->password_file), hop.text()));
  terms.login = sasl::Credentials{{}, site.login->user, password->second};
  terms.nonce = context.random.text(kNonce);
  terms.blocking = context.blocking;
  return terms;
}

}  // namespace godwit::outbound
