#include "check/arc/verdict.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "check/dkim/names.h"

namespace godwit::arc {

authres::MethodResult Verdict::method_result() const {
  authres::MethodResult out;
  out.method = "arc";
  out.result = std::string(to_string(result));
  if (result != ChainState::pass) out.comment = text;
  if (result == ChainState::pass) out.add("header.oldest-pass", fmt::to_string(oldest_pass));  // RFC 8617 10.2
  return out;
}

std::optional<unsigned> vouched_for(const Verdict& verdict, std::span<const std::string> trusted, std::string_view author_domain) {
  // RFC 8617 5.2: a chain that fails is as none
  if (verdict.result != ChainState::pass || verdict.sets.empty() || !verdict.sets.back().message.dependable()) return std::nullopt;
  const auto is_trusted = [&](const Set& set) {
    return !set.seal.testing &&
           std::ranges::any_of(trusted, [&](const std::string& name) { return dkim::is_within(set.seal.domain, name); });
  };
  const Set* oldest = nullptr;
  for (auto set = verdict.sets.rbegin(); set != verdict.sets.rend() && is_trusted(*set); ++set) oldest = &*set;
  if (oldest == nullptr || !oldest->testimony) return std::nullopt;
  for (const authres::MethodResult& method : oldest->testimony->methods) {
    if (method.method != "dmarc" || method.result != "pass") continue;
    const auto from = dkim::parse_dns_name(method.value("header", "from"), 1);
    if (from && *from == author_domain) return oldest->instance;
  }
  return std::nullopt;
}

}  // namespace godwit::arc
