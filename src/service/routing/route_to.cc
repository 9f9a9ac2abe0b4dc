// Where a route leads, and how: hops, TLS, login.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/bytes.h"
#include "base/crypto.h"
#include "base/encoding.h"
#include "service/routing/route_entry.h"
#include "service/routing/route_levels.h"

namespace godwit::routing {
namespace {

using Problem = std::unexpected<RouteError>;
using Protocol = Hop::Protocol;

constexpr std::array<Tls, 4> kLevels{Tls::none, Tls::opportunistic, Tls::encrypt, Tls::verify};
constexpr std::array<std::string_view, 5> kWords{"local", "mx", "hold", "reject", "discard"};

Problem problem(std::string_view key, std::string text) { return Problem(RouteError{std::string(key), std::move(text)}); }

bool is_word(std::string_view text) { return std::ranges::find(kWords, text) != kWords.end(); }

std::expected<std::optional<Tls>, RouteError> parse_level(const std::string& text) {
  if (text.empty()) return std::nullopt;
  const auto found = std::ranges::find(kLevels, text, [](Tls level) { return to_string(level); });
  if (found == kLevels.end())
    return problem("tls", fmt::format("\"{}\" is no level; write \"none\", \"opportunistic\", \"encrypt\" or \"verify\"", text));
  return *found;
}

// Certificates have A-labels.
std::expected<std::string, RouteError> parse_tls_name(const Route& route) {
  if (route.tls_name.empty()) return std::string();
  const auto name = smtp::parse_domain(route.tls_name);
  if (!name || name->is_literal()) return problem("tls_name", fmt::format("\"{}\" is no host name", route.tls_name));
  return ascii_lower(name->text());
}

std::expected<void, RouteError> check_tls_name(const std::string& name, bool verified) {
  if (name.empty() || verified) return {};
  return problem("tls_name", "is the name in the server's certificate, which nobody looks at: write tls = \"verify\" as well");
}

std::expected<void, RouteError> check_login(const Route& route) {
  if (route.user.empty() && route.password_file.empty()) return {};
  if (route.user.empty()) return problem("password_file", "has no user: write user = as well, or leave both out");
  if (route.password_file.empty())
    return problem("user", "has no password: write password_file = \"/path\", a file with the password in its first line");
  if (route.password_file.front() != '/')
    return problem("password_file", "must be an absolute path, such as \"/etc/godwit/relay.password\"");
  const bool clean = std::ranges::none_of(route.user, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; });
  if (route.user.size() > 255 || !clean) return problem("user", "must be a name of 1 to 255 characters without control characters");
  return {};
}

// For logs and tables: tells files apart without naming them.
std::string mark_of(const std::string& path) { return hex_encode(crypto::sha256(path).substr(0, 4)); }

// Two routes with the same hops that are spoken to in the same way share their connections.
std::string name_of(const Site& site) {
  std::string name;
  for (const Hop& hop : site.hops) name += (name.empty() ? "" : ",") + hop.text();
  if (site.tls) name += fmt::format(" tls={}", to_string(*site.tls));
  if (!site.tls_name.empty()) name += " tls_name=" + site.tls_name;
  if (!site.pool.empty()) name += " pool=" + site.pool;
  if (site.login) name += fmt::format(" user={} password=#{}", site.login->user, mark_of(site.login->password_file));
  return name;
}

std::expected<void, RouteError> check_hop(const Site& site, const Hop& hop) {
  const bool lmtp = hop.protocol == Protocol::lmtp;
  if (!site.hops.empty() && lmtp != (site.hops.front().protocol == Protocol::lmtp))
    return problem("to", fmt::format("\"{}\" speaks another protocol than \"{}\": LMTP and SMTP cannot be each other's fall back",
                                     hop.text(), site.hops.front().text()));
  if (site.tls && !hop.path.empty() && *site.tls >= Tls::encrypt)
    return problem("tls", fmt::format("\"{}\" is a Unix socket, which has no TLS and needs none: leave out tls", hop.text()));
  if (site.tls && hop.protocol == Protocol::smtps && *site.tls < Tls::encrypt)
    return problem("tls", fmt::format("\"{}\" is always encrypted: write \"encrypt\" or \"verify\", or smtp://", hop.text()));
  return {};
}

std::expected<To, RouteError> parse_site(const Route& route, std::optional<Tls> tls) {
  auto site = std::make_shared<Site>();
  site->tls = tls;
  site->pool = route.pool;
  GODWIT_ASSIGN(site->tls_name, parse_tls_name(route));
  if (!route.user.empty()) site->login = Login{route.user, route.password_file};
  for (const std::string& text : route.to) {
    if (is_word(text)) return problem("to", fmt::format("\"{}\" stands alone: it cannot be a fall back of a hop or have one", text));
    auto hop = parse_hop(text);
    if (!hop) return problem("to", std::move(hop).error().text);
    GODWIT_TRY(check_hop(*site, *hop));
    hop->tier = static_cast<std::uint16_t>(site->hops.size());
    site->hops.push_back(*std::move(hop));
  }
  site->name = name_of(*site);
  const auto verified = [&](const Hop& hop) { return tls_level(*site, hop, true) == Tls::verify; };
  GODWIT_TRY(check_tls_name(site->tls_name, std::ranges::any_of(site->hops, verified)));
  return std::shared_ptr<const Site>(std::move(site));
}

To parse_word(const std::string& word, std::optional<Tls> tls, std::string tls_name, std::string pool) {
  if (word == "local") return ByDirectory{};
  if (word == "hold") return Hold{};
  if (word == "discard") return Discard{};
  if (word == "reject") return Reject{};
  return ByMx{tls, std::move(tls_name), std::move(pool)};
}

}  // namespace

std::expected<To, RouteError> parse_to(const Route& route) {
  if (route.to.empty())
    return problem("to", "is missing; write to = \"smtp://host:port\", \"mx\", \"local\", \"hold\", \"discard\" or \"reject\"");
  GODWIT_ASSIGN(const std::optional<Tls> tls, parse_level(route.tls));
  GODWIT_TRY(check_login(route));
  if (route.to.size() > 1 || !is_word(route.to[0])) return parse_site(route, tls);
  const std::string& word = route.to[0];
  if (!route.user.empty())
    return problem("user", fmt::format("is for hops such as smtp://host:port; nobody logs in where `to` is \"{}\"", word));
  if (tls && word != "mx") return problem("tls", fmt::format("is for hops and for \"mx\"; nothing is sent where `to` is \"{}\"", word));
  GODWIT_ASSIGN(std::string tls_name, parse_tls_name(route));
  GODWIT_TRY(check_tls_name(tls_name, tls == Tls::verify));
  if (!route.pool.empty() && word != "mx")
    return problem("pool", fmt::format("is for hops and for \"mx\"; nothing is sent where `to` is \"{}\"", word));
  return parse_word(word, tls, std::move(tls_name), route.pool);
}

bool looks_at_certificates(const Route& route) {
  const auto to = parse_to(route);
  if (!to) return false;
  if (const auto* mx = std::get_if<ByMx>(&*to)) return mx->tls == Tls::verify;
  const auto* site = std::get_if<std::shared_ptr<const Site>>(&*to);
  return site && std::ranges::any_of((*site)->hops, [&](const Hop& hop) { return tls_level(**site, hop, true) == Tls::verify; });
}

std::vector<std::string> hops_that_learn_the_password(const Route& route) {
  std::vector<std::string> out;
  const auto to = parse_to(route);
  const auto* site = to ? std::get_if<std::shared_ptr<const Site>>(&*to) : nullptr;
  if (!site || !(*site)->login) return out;
  for (const Hop& hop : (*site)->hops) {
    const Tls level = tls_level(**site, hop, true);
    if (!hop.is_loopback() && (level == Tls::opportunistic || level == Tls::encrypt)) out.push_back(hop.text());
  }
  return out;
}

}  // namespace godwit::routing
