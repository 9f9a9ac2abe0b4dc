#include "check/iprev/iprev.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace godwit::iprev {

std::string_view to_string(Result result) {
  constexpr std::array<std::string_view, 4> kNames = {"pass", "fail", "temperror", "permerror"};
  return kNames[static_cast<std::size_t>(result)];
}

Task<Verdict> check(dns::Resolver& resolver, IpAddress client, Duration lookup) {
  Verdict out;
  auto reverse = co_await resolver.ptr(client, lookup);
  if (reverse.failed()) {
    out.result = Result::temperror;
    out.text = fmt::format("the name of {} is not to be had now: {}", client.text(), reverse.reason);
    co_return out;
  }
  out.names = std::move(reverse.records);
  if (out.names.size() > kMaxNames) out.names.resize(kMaxNames);
  std::erase(out.names, std::string());
  if (out.names.empty()) {
    out.text = fmt::format("{} has no name", client.text());
    co_return out;
  }
  std::string open;  // a name about which the DNS said nothing
  for (const std::string& name : out.names) {
    std::string asked = name;
    // RFC 8601 3: only addresses of the client's own kind can be the client's
    auto forward = client.v6 ? resolver.aaaa(std::move(asked), lookup) : resolver.a(std::move(asked), lookup);
    const auto answer = co_await std::move(forward);
    if (answer.failed()) open = answer.reason;
    if (std::ranges::find(answer.records, client) == answer.records.end()) continue;
    out.result = Result::pass;
    out.name = name;
    out.text = fmt::format("{} is {}", client.text(), name);
    co_return out;
  }
  out.result = open.empty() ? Result::fail : Result::temperror;
  out.text = open.empty() ? fmt::format("{} says to be {}, which has other addresses", client.text(), out.names.front())
                          : fmt::format("whether {} is {} is not to be had now: {}", client.text(), out.names.front(), open);
  co_return out;
}

}  // namespace godwit::iprev
