#include "check/dkim/key_lookup.h"

#include <fmt/format.h>

namespace godwit::dkim {

std::string key_name(std::string_view selector, std::string_view domain) { return fmt::format("{}._domainkey.{}", selector, domain); }

Task<KeyAnswer> look_up_key(dns::Resolver& resolver, std::string name, Duration timeout) {
  auto answer = co_await resolver.txt(std::move(name), timeout);
  KeyAnswer out;
  out.secure = answer.security == dns::Security::secure;
  if (answer.failed()) {
    out.text = std::move(answer.reason);
    co_return out;
  }
  out.status = answer.records.empty() ? KeyAnswer::Status::absent : KeyAnswer::Status::found;
  out.records = std::move(answer.records);
  if (out.records.size() > kMaxKeyRecords) out.records.resize(kMaxKeyRecords);
  co_return out;
}

}  // namespace godwit::dkim
