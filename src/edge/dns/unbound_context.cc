#include "edge/dns/unbound_context.h"

#include <fmt/format.h>
#include <unbound.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "base/log.h"
#include "edge/dns/name.h"
#include "edge/dns/rdata.h"

namespace godwit::dns {
namespace {

struct Option {
  const char* name;
  const char* value;
};

// What the library takes by itself is meant for a command line tool: 16 sockets, 2 TCP connections, caches of 1 MiB.
constexpr auto kOptions = std::to_array<Option>({
    {"outgoing-range:", "4096"},
    {"outgoing-num-tcp:", "256"},
    {"msg-cache-size:", "32m"},
    {"rrset-cache-size:", "64m"},
    {"key-cache-size:", "4m"},
    {"neg-cache-size:", "4m"},
    // servers that were dead are asked again soon: 15 minutes of deafness after an outage are no service
    {"infra-keep-probing:", "yes"},
    {"infra-host-ttl:", "60"},
});

// Answered by the library itself unless removed. When forwarding, the forwarder knows what these are in its network.
constexpr auto kLocalZones = std::to_array<const char*>({
    "test.",
    "invalid.",
    "home.arpa.",
    "127.in-addr.arpa.",
    "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa.",
});

Error unbound_error(std::string what, int code) {
  return Error::permanent(Error::Cause::io, fmt::format("libunbound: {}: {}", what, ub_strerror(code)));
}

bool uses_system(const ResolverOptions& options) { return options.servers == std::vector<std::string>{"system"}; }

Result<void> set(ub_ctx* context, const char* name, const char* value) {
  if (const int code = ub_ctx_set_option(context, name, value); code != 0)
    return fail(unbound_error(fmt::format("{} {}", name, value), code));
  return {};
}

Result<void> set_servers(ub_ctx* context, const ResolverOptions& options) {
  // RFC 1918 and RFC 6303 zones; when resolving from the root nobody else could know them
  if (options.servers.empty()) return set(context, "do-not-query-localhost:", "yes");
  GODWIT_TRY(set(context, "unblock-lan-zones:", "yes"));
  if (uses_system(options)) {
    const char* path = options.resolv_conf.c_str();
    if (const int code = ub_ctx_resolvconf(context, path); code != 0) return fail(unbound_error(options.resolv_conf, code));
    return {};
  }
  GODWIT_ASSIGN(const std::vector<std::string> addresses, forward_addresses(options.servers));
  for (const std::string& address : addresses) {
    if (const int code = ub_ctx_set_fwd(context, address.c_str()); code != 0) return fail(unbound_error(address, code));
  }
  return {};
}

// The first change of a zone makes the context read its options and anchors: that is where a bad anchor shows.
Result<void> finalise(ub_ctx* context, bool forwarding) {
  if (!forwarding) {
    if (const int code = ub_ctx_zone_remove(context, "none.godwit.invalid."); code != 0) return fail(unbound_error("setup", code));
    return {};
  }
  for (const char* zone : kLocalZones) {
    if (const int code = ub_ctx_zone_remove(context, zone); code != 0) return fail(unbound_error(zone, code));
  }
  return {};
}

Result<UnboundContext> make_context(const ResolverOptions& options, const std::string& anchor) {
  UnboundContext context(ub_ctx_create());
  if (!context) return fail(Error::permanent(Error::Cause::full, "libunbound: no memory"));
  ub_ctx_debugout(context.get(), nullptr);
  ub_ctx_async(context.get(), 1);  // a thread: a process would be forked
  for (const auto& [name, value] : kOptions) GODWIT_TRY(set(context.get(), name, value));
  GODWIT_TRY(set_servers(context.get(), options));
  if (!anchor.empty()) {
    if (const int code = ub_ctx_add_ta_file(context.get(), anchor.c_str()); code != 0) return fail(unbound_error(anchor, code));
  }
  GODWIT_TRY(finalise(context.get(), !options.servers.empty()));
  return context;
}

void warn_unvalidated(const ResolverOptions& options, std::string_view why) {
  log::warning("DNS answers are not validated: no DNSSEC, no DANE", {{"trust_anchor", options.trust_anchor}, {"error", why}});
}

std::string_view rcode_name(int rcode) {
  switch (rcode) {  // RFC 1035 4.1.1
    case 1: return "FORMERR";
    case 2: return "SERVFAIL";
    case 4: return "NOTIMP";
    case 5: return "REFUSED";
    default: return "";
  }
}

Response server_failure(const Question& question, int rcode) {
  const std::string_view name = rcode_name(rcode);
  const std::string code = name.empty() ? fmt::format("rcode {}", rcode) : std::string(name);
  return failure(Error::Cause::io, fmt::format("the name servers have no usable answer about {} ({}): they do not answer, refuse, or err",
                                               question.text(), code));
}

Response bogus(const Question& question, const ub_result& result) {
  const std::string_view why = result.why_bogus ? result.why_bogus : "no reason given";
  // every answer ends like this when the configured server does not pass on what the root signed
  const bool no_root = why.find("no DNSKEY") != why.npos && why.find("for trust anchor . ") != why.npos;
  const std::string_view hint = no_root ? " (a DNS server without DNSSEC needs dns.trust_anchor = \"\")" : "";
  Response response =
      failure(Error::Cause::corrupt,
              fmt::format("the DNS answer about {} is not to be trusted, DNSSEC validation failed: {}{}", question.text(), why, hint));
  response.security = Security::bogus;
  return response;
}

}  // namespace

void DeleteContext::operator()(ub_ctx* context) const { ub_ctx_delete(context); }

std::string anchor_problem(const std::string& path) {
  std::ifstream file(path);
  if (!file) return std::strerror(errno);
  return file.peek() == std::ifstream::traits_type::eof() ? "the file is empty or no file" : "";
}

Result<UnboundContext> make_unbound_context(const ResolverOptions& options) {
  if (options.trust_anchor.empty()) return make_context(options, "");
  if (const std::string problem = anchor_problem(options.trust_anchor); !problem.empty()) {
    warn_unvalidated(options, problem);
    return make_context(options, "");
  }
  auto context = make_context(options, options.trust_anchor);
  if (context) return context;
  auto without = make_context(options, "");
  if (without) warn_unvalidated(options, context.error().text);
  return without;
}

Response to_response(const Question& question, const ub_result& result) {
  if (result.bogus) return bogus(question, result);  // first: it comes with data and rcode 0
  constexpr int kNoError = 0;
  constexpr int kNxdomain = 3;
  if (!result.havedata && !result.nxdomain && result.rcode != kNoError && result.rcode != kNxdomain)
    return server_failure(question, result.rcode);
  Response response;
  response.security = result.secure ? Security::secure : Security::insecure;
  response.ttl = std::chrono::seconds(std::max(result.ttl, 0));
  const auto canonical = result.canonname ? normal_name(result.canonname) : Result<std::string>(question.name);
  response.canonical = canonical ? *canonical : question.name;
  response.status = result.nxdomain || result.rcode == kNxdomain ? Status::nxdomain : Status::no_data;
  if (!result.havedata) return response;
  std::vector<std::string_view> rdata;
  for (int i = 0; result.data[i]; ++i) rdata.emplace_back(result.data[i], static_cast<std::size_t>(result.len[i]));
  auto records = parse_records(question.type, rdata);
  if (!records)
    return failure(Error::Cause::corrupt, fmt::format("the DNS answer about {} cannot be read: {}", question.text(), records.error().text));
  response.status = Status::records;
  response.records = *std::move(records);
  return response;
}

}  // namespace godwit::dns
