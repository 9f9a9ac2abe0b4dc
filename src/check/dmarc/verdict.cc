#include "check/dmarc/verdict.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace godwit::dmarc {

std::string_view to_string(Result result) {
  constexpr std::array<std::string_view, 5> kNames = {"none", "pass", "fail", "temperror", "permerror"};
  return kNames[static_cast<std::size_t>(result)];
}

std::string_view to_string(Reason reason) {
  constexpr std::array<std::string_view, 7> kNames = {"aligned",   "not_aligned",     "no_record", "unusable_record",
                                                      "no_author", "several_authors", "dns"};
  return kNames[static_cast<std::size_t>(reason)];
}

Result result_of(Reason reason) {
  switch (reason) {
    case Reason::aligned: return Result::pass;
    case Reason::not_aligned: return Result::fail;
    case Reason::no_author:
    case Reason::several_authors: return Result::permerror;
    case Reason::dns: return Result::temperror;
    default: return Result::none;
  }
}

std::string_view to_string(Mechanism mechanism) { return mechanism == Mechanism::spf ? "spf" : "dkim"; }

bool Verdict::wants_failure_report() const {
  if (!record || record->failure_reports.empty() || (result != Result::pass && result != Result::fail)) return false;
  const FailureOptions& options = record->failure;
  const auto failed = [&](Mechanism mechanism) {
    return std::ranges::any_of(identifiers, [&](const Identifier& each) {
      return each.mechanism == mechanism && !each.passed && each.result != "none" && each.result != "neutral";
    });
  };
  return (options.all && !spf_aligned && !dkim_aligned) || (options.any && (!spf_aligned || !dkim_aligned)) ||
         (options.dkim && failed(Mechanism::dkim)) || (options.spf && failed(Mechanism::spf));
}

authres::MethodResult Verdict::method_result() const {
  authres::MethodResult out;
  out.method = "dmarc";
  out.result = std::string(to_string(result));
  if (record) out.comment = fmt::format("{}={} dis={}", published_by, to_string(published), to_string(disposition));
  if (result == Result::temperror || result == Result::permerror) out.reason = text;
  out.add("header.from", author_domain);
  return out;
}

}  // namespace godwit::dmarc
