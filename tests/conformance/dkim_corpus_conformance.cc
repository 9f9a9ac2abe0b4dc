// Conformance: the corpus of Mail::DKIM (2005 to 2023) with its own DNS. Its results are of its time; today
//   - rsa-sha1, RSA keys below 1,024 bits and signatures without v=1 are permerror (RFC 8301 3.1, 3.2; RFC 6376 3.5). Such a case
//     passes when the verifier says so, for that reason, and the message has the expected result under the old rules;
//   - g= of a key counts for nothing (RFC 6376 E): skipped where that decides;
//   - DomainKeys (RFC 4870) and drafts without bh= are not verified at all: skipped.

#include <algorithm>
#include <map>
#include <sstream>

#include "base/bytes.h"
#include "check/dkim/key_lookup.h"
#include "dkim_messages.h"
#include "dkim_old_rules.h"
#include "suite.h"

namespace godwit::conformance {
namespace {

constexpr WallTime kReceived{std::chrono::seconds(1'767'225'600)};  // 2026: what expired in 2007 has expired

using Zone = std::map<std::string, std::string>;

// "name  TXT": NXDOMAIN for a name that does not exist, ~~text~~ for an error.
Zone read_zone(std::string_view text, testing::FakeResolver& dns) {
  Zone zone;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    while (line.ends_with('\r')) line.pop_back();
    const auto space = line.find_first_of(" \t");
    if (line.empty() || line.starts_with('#') || space == std::string::npos) continue;
    const std::string name = ascii_lower(line.substr(0, space));
    const std::string record(line.substr(std::min(line.find_first_not_of(" \t", space), line.size())));
    if (record.starts_with("~~"))
      dns.fail(name, record);
    else if (record != "NXDOMAIN") {
      dns.add_txt(name, record);
      zone.emplace(name, record);
    }
  }
  return zone;
}

std::string as_the_corpus_says(dkim::Result result) {
  switch (result) {
    case dkim::Result::none: return "none";
    case dkim::Result::pass: return "pass";
    case dkim::Result::fail: return "fail";
    default: return "invalid";
  }
}

std::string as_the_corpus_says(OldResult result) {
  if (result == OldResult::pass) return "pass";
  return result == OldResult::fail ? "fail" : "invalid";
}

// All signatures are of a kind that RFC 6376 and RFC 8301 shut out.
bool is_of_old(const std::vector<dkim::Verdict>& verdicts) {
  return !verdicts.empty() && std::ranges::all_of(verdicts, [](const dkim::Verdict& each) {
    using enum dkim::Reason;
    return each.reason == historic || each.reason == key_too_small || each.reason == version || each.reason == syntax ||
           each.reason == unsupported;
  });
}

bool uses_granularity(const std::vector<dkim::Verdict>& verdicts, const Zone& zone) {
  return std::ranges::any_of(verdicts, [&](const dkim::Verdict& each) {
    const auto found = zone.find(dkim::key_name(each.selector, each.domain));
    return found != zone.end() && found->second.find("g=") != std::string::npos;
  });
}

struct Case {
  std::string file;
  std::string expected;
};

void judge(Suite& suite, DkimWorld& world, const Zone& zone, const Case& test) {
  std::string message = suite.read("messages/" + test.file);
  if (message.find("\r\n") == std::string::npos) message = with_crlf(message);  // one file has LF throughout, as files do
  const auto verdicts = world.verify(message, kReceived, 100);
  const std::string result = as_the_corpus_says(dkim::overall(verdicts));
  if (result == test.expected) return suite.pass();
  if (is_of_old(verdicts)) {
    const auto old = judge_by_old_rules(message, [&](const std::string& name) {
      const auto found = zone.find(name);
      return found == zone.end() ? std::nullopt : std::optional(found->second);
    });
    if (!old) return suite.skip(test.file, "a draft's signature without bh=, which RFC 6376 3.5 requires");
    if (as_the_corpus_says(*old) == test.expected) return suite.pass();
  }
  const auto header = ascii_lower(message.substr(0, message.find("\r\n\r\n")));
  if (header.find("domainkey-signature:") != std::string::npos)
    return suite.skip(test.file, "DomainKeys (RFC 4870) are historic: RFC 6376 3.5 knows DKIM-Signature alone");
  if (result == "pass" && uses_granularity(verdicts, zone)) return suite.skip(test.file, "RFC 6376 E dropped g= from key records");
  suite.fail(test.file, "expected " + test.expected + ": " + describe(verdicts));
}

std::vector<Case> read_cases(std::string_view text) {
  std::vector<Case> cases;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    const auto first = line.find('\t');
    const auto second = std::min(line.find('\t', first + 1), line.size());
    if (first != std::string::npos && !line.starts_with("file\t"))
      cases.push_back({line.substr(0, first), std::string(trim(std::string_view(line).substr(first + 1, second - first - 1)))});
  }
  return cases;
}

int run(int argc, char** argv) {
  Suite suite("dkim-corpus", argc, argv);
  if (!suite.folder()) return 0;
  DkimWorld world;
  const Zone zone = read_zone(suite.read("FAKE_DNS.dat.txt"), world.dns());
  for (const Case& test : read_cases(suite.read("expected.tsv"))) judge(suite, world, zone, test);
  return suite.finish();
}

}  // namespace
}  // namespace godwit::conformance

int main(int argc, char** argv) { return godwit::conformance::run(argc, argv); }
