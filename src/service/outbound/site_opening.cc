// The part of a site that opens connections: hop by hop, address by address.

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "edge/net/egress.h"
#include "service/outbound/addresses.h"
#include "service/outbound/journal.h"
#include "service/outbound/limits.h"
#include "service/outbound/site.h"

namespace godwit::outbound {
namespace {

constexpr smtp::EnhancedCode kMisconfigured{4, 3, 5};  // RFC 3463 3.4: system incorrectly configured

std::string name_peer(const routing::Hop& hop, const Endpoint& endpoint) {
  if (!hop.path.empty()) return fmt::format("localhost [{}]", hop.path);
  if (parse_ip(hop.host)) return endpoint.text();
  return fmt::format("{} [{}]:{}", hop.host, endpoint.address.text(), endpoint.port);
}

// What has been tried: the address that answered, and those that failed before it.
void take_out(std::vector<Endpoint>& endpoints, const net::Dialed& dialed) {
  std::vector<Endpoint> left;
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    const bool failed = std::ranges::find(dialed.failures, i, &net::DialFailure::index) != dialed.failures.end();
    if (i != dialed.index && !failed) left.push_back(endpoints[i]);
  }
  endpoints = std::move(left);
}

}  // namespace

// The addresses that did not answer, in one sentence: "could not connect to mx.test [2001:db8::1]:25 (refused), [192.0.2.1]:25 (...)".
// Where the way itself failed, the next host would fare no better.
queue::Outcome Site::not_connected(const routing::Hop& hop, const std::vector<Endpoint>& endpoints,
                                   const std::vector<net::DialFailure>& failures) {
  const bool way_failed = std::ranges::all_of(failures, [](const net::DialFailure& failure) { return net::way_failed(failure.error); });
  if (source_ && way_failed && !failures.empty()) {
    way_failed_ = unreachable(
        kMisconfigured, fmt::format("not tried: the source {} cannot be used: {}", source_->name, failures.front().error.text), "outbound");
    return *way_failed_;
  }
  std::string text = "could not connect to ";
  if (!parse_ip(hop.host)) text += hop.host + " ";
  for (std::size_t i = 0; i < failures.size(); ++i) {
    const Endpoint& endpoint = endpoints[failures[i].index];
    const std::string peer = endpoint.text();
    std::string_view why = failures[i].error.text;
    const std::string prefix = "connect to " + peer + ": ";
    if (why.starts_with(prefix)) why.remove_prefix(prefix.size());
    text += fmt::format("{}{} ({})", i > 0 ? ", " : "", peer, why);
  }
  return unreachable({4, 4, 1}, std::move(text), name_peer(hop, endpoints[failures.front().index]));
}

// Tries some hops in order; if none takes us, says why.
Task<Site::Opened> Site::open(std::size_t& hop) {
  const SteadyTime until = context_.clock.steady() + kOpening;
  way_failed_.reset();
  std::vector<std::size_t> candidates = hops_.candidates(context_.clock.steady(), context_.random);
  if (candidates.size() > kHopsAtOnce) candidates.resize(kHopsAtOnce);
  for (const std::size_t candidate : candidates) {
    bool ourselves = false;
    auto opened = co_await open_hop(candidate, until, ourselves);
    if (opened) {
      hop = candidate;
      co_return opened;
    }
    if (way_failed_) co_return std::unexpected(*way_failed_);
    // While others of our connections work there, the server only wants no more of them.
    const bool others_work = connections_ > opening_;
    if (!others_work)
      hop_failed(candidate, opened.error(), ourselves);
    else
      learn_refused_further(std::move(opened).error());
    if (others_work || ourselves || context_.tasks.stopping() || context_.clock.steady() >= until) break;
  }
  co_return std::unexpected(hops_.hopeless() ? hopeless_ : last_failure_);
}

void Site::hop_failed(std::size_t hop, queue::Outcome why, bool ourselves) {
  SiteVerdict verdict;
  treat(why, classes(), verdict);
  outbound_metrics().connection_failures.add();
  log::warning("hop failed",
               {{"site", description_->name}, {"hop", description_->hops[hop].text()}, {"error", why.text}, {"reply", why.remote_reply}});
  const SteadyTime now = context_.clock.steady();
  const auto settings = context_.settings();
  const bool for_good = why.kind == queue::Outcome::Kind::bounced;
  if (ourselves)
    hops_.failed_from(hop, now, settings->probe);
  else
    hops_.failed(hop, now, settings->probe, for_good);
  dialogues_broke_ = false;
  (for_good ? hopeless_ : last_failure_) = std::move(why);
}

// Each address of the host, until one serves us.
Task<Site::Opened> Site::open_hop(std::size_t hop, SteadyTime until, bool& ourselves) {
  const routing::Hop& to = description_->hops[hop];
  if (!to.path.empty()) co_return co_await open_socket(to);
  routing::Hop asked = to;
  auto addresses = co_await find_addresses(context_, description_, std::move(asked));
  if (!addresses) {
    ourselves = addresses.error().ourselves;
    co_return std::unexpected(std::move(addresses).error().outcome);
  }
  auto found = reachable(to, *addresses);
  if (!found) co_return std::unexpected(unreachable({4, 4, 1}, std::move(found).error().text, "outbound"));
  std::vector<Endpoint> endpoints = *std::move(found);
  std::vector<Endpoint> last_resort;
  Opened opened;
  do {
    set_aside_refused(endpoints, last_resort);
    opened = co_await open_first(to, endpoints);
    if (endpoints.empty()) endpoints = std::exchange(last_resort, {});
  } while (!opened && !way_failed_ && !endpoints.empty() && !context_.tasks.stopping() && context_.clock.steady() < until);
  co_return opened;
}

// A Unix socket has one address and no encryption.
Task<Site::Opened> Site::open_socket(const routing::Hop& hop) {
  net::Cancellation cancellation;
  const net::TaskGroup::OnStop on_stop(context_.tasks, context_.executor, [&cancellation] { cancellation.cancel(); });
  std::string path = hop.path;
  auto dialed = co_await context_.dial_socket(std::move(path), kConnect, &cancellation);
  if (!dialed) co_return std::unexpected(unreachable({4, 4, 1}, "could not " + dialed.error().text, name_peer(hop, {})));
  bool tls_failed = false;
  co_return co_await greet(hop, *std::move(dialed), {}, false, tls_failed);
}

// The first that answers and greets; those that did not are taken out.
Task<Site::Opened> Site::open_first(const routing::Hop& hop, std::vector<Endpoint>& endpoints) {
  const std::shared_ptr<const Source> source = source_;  // a reload may replace it meanwhile
  net::Dialer& dialer = source ? *source->dialer : context_.dialer;
  auto dialed = co_await net::dial_first(dialer, context_.clock, context_.tasks, endpoints, kConnect);
  if (!dialed) co_return std::unexpected(not_connected(hop, std::exchange(endpoints, {}), dialed.error()));
  const Endpoint endpoint = endpoints[dialed->index];
  take_out(endpoints, *dialed);
  const bool encrypted = !plain_hosts_.contains(name_peer(hop, endpoint), context_.clock.steady());
  bool tls_failed = false;
  auto opened = co_await greet(hop, std::move(dialed->stream), endpoint, encrypted, tls_failed);
  if (!opened) note_refused_family(endpoint.address.v6, opened.error());
  if (!tls_failed || context_.tasks.stopping()) co_return opened;

  const std::string peer = name_peer(hop, endpoint);
  log::warning("tls_failed", {{"remote", peer}, {"error", opened.error().text}, {"next", "in plain text for an hour"}});
  plain_hosts_.add(peer, context_.clock.steady());
  const std::vector<Endpoint> same{endpoint};
  dialed = co_await net::dial_first(dialer, context_.clock, context_.tasks, same, kConnect);
  if (!dialed) co_return std::unexpected(not_connected(hop, same, dialed.error()));
  co_return co_await greet(hop, std::move(dialed->stream), endpoint, false, tls_failed);
}

Task<Site::Opened> Site::greet(const routing::Hop& hop, std::unique_ptr<net::Stream> stream, Endpoint endpoint, bool encrypted,
                               bool& tls_failed) {
  auto connection = std::make_unique<Connection>(std::move(stream), name_peer(hop, endpoint), context_.blobs);
  const net::TaskGroup::OnStop on_stop(context_.tasks, context_.executor, [raw = connection.get()] { raw->cancel(); });
  if (hop.path.empty()) connection->set_family(endpoint.address.v6);
  auto terms = terms_for(context_, *description_, hop, !encrypted, source_.get());
  if (!terms) co_return std::unexpected(std::move(terms).error());
  std::string hostname = source_ && !source_->hostname.empty() ? source_->hostname : context_.settings()->hostname;
  auto greeted = co_await connection->greet(std::move(hostname), *std::move(terms));
  tls_failed = connection->tls_failed();
  if (!greeted) co_return std::unexpected(std::move(greeted).error());
  co_return connection;
}

}  // namespace godwit::outbound
