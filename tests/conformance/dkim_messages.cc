#include "dkim_messages.h"

#include <fmt/format.h>

namespace godwit::conformance {

std::vector<dkim::Verdict> DkimWorld::verify(std::string_view message, WallTime now, std::size_t piece) {
  dkim::Verifier verifier({}, now);
  for (std::size_t i = 0; i < message.size(); i += piece) verifier.feed(message.substr(i, piece));
  return loop_.run(verifier.finish(dns_));
}

std::string with_crlf(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n' && !out.ends_with('\r')) out += '\r';
    out += c;
  }
  return out;
}

std::string describe(const std::vector<dkim::Verdict>& verdicts) {
  if (verdicts.empty()) return "not signed";
  std::string out;
  for (const dkim::Verdict& verdict : verdicts)
    out += fmt::format("{}{} ({}): {}, {}", out.empty() ? "" : "; ", verdict.domain, verdict.algorithm, to_string(verdict.result),
                       verdict.text);
  return out;
}

}  // namespace godwit::conformance
