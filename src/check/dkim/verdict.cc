#include "check/dkim/verdict.h"

#include <algorithm>
#include <array>

namespace godwit::dkim {

std::string_view to_string(Result result) {
  switch (result) {
    case Result::none: return "none";
    case Result::pass: return "pass";
    case Result::fail: return "fail";
    case Result::policy: return "policy";
    case Result::neutral: return "neutral";
    case Result::temperror: return "temperror";
    case Result::permerror: return "permerror";
  }
  return "none";
}

std::string_view to_string(Reason reason) {
  switch (reason) {
    case Reason::syntax: return "syntax";
    case Reason::version: return "version";
    case Reason::unsupported: return "unsupported";
    case Reason::historic: return "historic";
    case Reason::identity_mismatch: return "identity_mismatch";
    case Reason::from_not_signed: return "from_not_signed";
    case Reason::expired: return "expired";
    case Reason::from_the_future: return "from_the_future";
    case Reason::key_unavailable: return "key_unavailable";
    case Reason::no_key: return "no_key";
    case Reason::key_syntax: return "key_syntax";
    case Reason::key_revoked: return "key_revoked";
    case Reason::key_unsuitable: return "key_unsuitable";
    case Reason::key_too_small: return "key_too_small";
    case Reason::body_too_short: return "body_too_short";
    case Reason::body_changed: return "body_changed";
    case Reason::signature_wrong: return "signature_wrong";
    case Reason::verified: return "verified";
    case Reason::not_looked_at: return "not_looked_at";
  }
  return "not_looked_at";
}

Result result_of(Reason reason) {
  switch (reason) {
    case Reason::verified: return Result::pass;
    case Reason::body_too_short:
    case Reason::body_changed:
    case Reason::signature_wrong: return Result::fail;
    case Reason::key_unavailable: return Result::temperror;
    case Reason::not_looked_at: return Result::neutral;
    default: return Result::permerror;
  }
}

std::string_view authentication_result(const Verdict& verdict) {
  switch (verdict.reason) {
    case Reason::syntax:
    case Reason::version:
    case Reason::unsupported: return to_string(Result::neutral);
    default: return to_string(verdict.result);
  }
}

std::vector<std::pair<std::string_view, std::string>> authentication_properties(const Verdict& verdict) {
  std::vector<std::pair<std::string_view, std::string>> out;
  const auto add = [&](std::string_view property, const std::string& value) {
    if (!value.empty()) out.emplace_back(property, value);
  };
  add("header.d", verdict.domain);
  add("header.i", verdict.identity);
  add("header.s", verdict.selector);
  add("header.a", verdict.algorithm);
  add("header.b", verdict.signature.substr(0, verdict.shown));
  return out;
}

Result overall(std::span<const Verdict> verdicts) {
  constexpr std::array kBestFirst = {Result::pass, Result::temperror, Result::fail, Result::policy, Result::permerror, Result::neutral};
  for (const Result result : kBestFirst)
    if (std::ranges::any_of(verdicts, [&](const Verdict& each) { return each.result == result; })) return result;
  return Result::none;
}

}  // namespace godwit::dkim
