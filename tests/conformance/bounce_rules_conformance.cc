// Conformance: how often our class of a reply agrees with a published set of rules, on texts made of that set's own patterns (for
// "^550.+User unknown": "550 some User unknown"). Sets of rules differ, so each difference is only named; less than three quarters of
// agreement is a failure.

#include <fmt/format.h>

#include <charconv>
#include <map>
#include <set>
#include <vector>

#include "base/toml_reader.h"
#include "service/outbound/reply_class.h"
#include "suite.h"

namespace godwit::conformance {
namespace {

// A text that the pattern matches: the first choice of everything, one of what repeats.
class Sample {
 public:
  explicit Sample(std::string_view pattern) : rest_(pattern) {}

  std::string text() { return alternatives(); }

 private:
  std::string alternatives() {
    std::string first = sequence();
    while (take('|')) sequence();
    return first;
  }
  std::string sequence() {
    std::string out;
    while (!rest_.empty() && rest_.front() != '|' && rest_.front() != ')') {
      const bool any = rest_.front() == '.';
      std::string one = item();
      if (take('+') || take('*')) {
        if (any) one = " some ";
      } else if (take('?')) {
        one.clear();
      } else if (take('{')) {
        std::string times;
        for (int i = rest_.front() - '0'; i > 0; --i) times += one;
        rest_.remove_prefix(2);
        one = times;
      }
      out += one;
    }
    return out;
  }
  std::string item() {
    const char c = next();
    if (c == '^' || c == '$') return {};
    if (c == '.') return " ";
    if (c == '\\') {
      const char escaped = next();
      return std::string(1, escaped == 'd' ? '5' : escaped);
    }
    if (c == '[') {
      const char first = next();
      while (next() != ']') {
      }
      return std::string(1, first);
    }
    if (c == '(') {
      std::string inner = alternatives();
      take(')');
      return inner;
    }
    return std::string(1, c);
  }
  char next() {
    if (rest_.empty()) return ']';
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }
  bool take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  std::string_view rest_;
};

// "550 5.1.1 words": what it says by itself.
smtp::EnhancedCode status_of(std::string_view reply) {
  smtp::EnhancedCode code{static_cast<std::uint8_t>(reply.empty() ? 5 : reply[0] - '0'), 0, 0};
  if (reply.size() < 9 || reply[5] != '.') return code;
  const char* end = reply.data() + reply.size();
  const auto subject = std::from_chars(reply.data() + 6, end, code.subject);
  if (subject.ptr != end) std::from_chars(subject.ptr + 1, end, code.detail);
  return code;
}

// Which of ours say the same as one of theirs.
const std::map<std::string, std::set<std::string_view>, std::less<>> kSame{
    {"InvalidRecipient", {"unknown_user", "unknown_domain"}},
    {"BadDomain", {"unknown_domain"}},
    {"InactiveMailbox", {"inactive_mailbox", "unknown_user"}},
    {"InvalidSender", {"bad_sender"}},
    {"QuotaIssues", {"mailbox_full", "too_big", "server_trouble"}},
    {"NoAnswerFromHost", {"unreachable"}},
    {"BadConnection", {"unreachable"}},
    {"DNSFailure", {"dns", "unknown_domain"}},
    {"RoutingErrors", {"relay_denied", "loop", "dns", "unknown_user"}},
    {"TransientFailure", {"server_trouble", "mailbox_busy", "rate_limited"}},
    {"MessageExpired", {"server_trouble"}},
    {"ProtocolErrors", {"protocol", "too_many_recipients"}},
    {"AuthenticationFailed", {"authentication", "policy", "tls", "bad_sender", "dns"}},
    {"PolicyRelated", {"policy"}},
    {"SpamBlock", {"blocked_ip", "spam_content", "bad_sender"}},
    {"SpamContent", {"spam_content", "malware"}},
    {"TooManyRecipients", {"too_many_recipients"}},
};

std::vector<std::pair<std::string, std::string>> read_rules(Suite& suite, const std::string& file) {
  std::vector<std::pair<std::string, std::string>> rules;
  TomlDocument document;
  if (!document.load_text(suite.read(file))) suite.fail(file, document.errors().front().problem);
  document.read([&](TomlTable& root) {
    root.table("rules", [&](TomlTable& table) {
      for (const auto& [name, same] : kSame) {
        std::vector<std::string> patterns;
        table.texts(name, patterns);
        for (std::string& pattern : patterns) rules.emplace_back(name, std::move(pattern));
      }
    });
  });
  for (const ConfigError& error : document.errors()) suite.fail(file + " " + error.key, error.problem);
  return rules;
}

}  // namespace
}  // namespace godwit::conformance

int main(int argc, char** argv) {
  using namespace godwit;
  conformance::Suite suite("bounce-rules", argc, argv);
  if (!suite.folder()) return 0;
  const auto ours = outbound::ReplyClasses::shipped();
  int same = 0;
  int all = 0;
  for (const std::string file : {"bounces.toml", "iana.toml"})
    for (const auto& [name, pattern] : conformance::read_rules(suite, file)) {
      const std::string text = conformance::Sample(pattern).text();
      const std::string& mine = ours->classify(text, conformance::status_of(text)).name;
      ++all;
      if (conformance::kSame.at(name).contains(mine)) {
        ++same;
        suite.pass();
      } else {
        suite.skip(file + " " + name + ", " + conformance::printable(text), "ours is " + mine);
      }
    }
  if (same * 4 < all * 3) suite.fail("agreement", fmt::format("{} of {} patterns", same, all));
  return suite.finish();
}
