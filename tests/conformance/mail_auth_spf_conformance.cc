// Conformance: the SPF cases of mail-auth. Files of lines "key: value", read in order: records and what is said of the client
// stay until they are said anew, each "expect:" is a case: the HELO identity first, then, unless that has failed, MAIL FROM.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "base/bytes.h"
#include "spf_zone.h"
#include "suite.h"

namespace godwit::conformance {
namespace {

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const auto end = std::min(text.find(separator), text.size());
    if (const auto part = trim(text.substr(0, end)); !part.empty()) out.emplace_back(part);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

// What the zone says under a name or an address: one line a kind and name, a later one replaces it.
using Lines = std::map<std::pair<std::string, std::string>, std::string>;

void add_line(SpfZone& zone, const std::string& kind, const std::string& name, const std::string& value) {
  if (kind == "spf" || kind == "exp") return zone.txt(name, value);
  unsigned preference = 0;
  for (const std::string& part : split(value, ',')) {
    if (kind == "a" || kind == "aaaa") zone.address(name, part);
    if (kind == "ptr") zone.ptr(name, part);
    if (kind != "mx") continue;
    const std::string exchange = fmt::format("exchange-{}.{}", ++preference, name);
    zone.mx(name, preference, exchange);
    zone.address(exchange, part);
  }
}

// The cases that say other than the RFC, and its clause.
struct Exception {
  std::string_view file, domain, client, clause;
};
constexpr std::string_view kExists =
    "RFC 7208 5.7: \"a DNS A RR lookup (even when the connection type is IPv6)\"; there are AAAA records only";
constexpr std::array<Exception, 4> kExceptions{
    {{"all.yml", "test.org", "10.0.0.1",
      "RFC 7208 4.6: an error anywhere in the record is permerror, before any evaluation; \"ip\" is no mechanism, behind \"all\" either"},
     {"ip.yml", "test.org", "10.1.2.3",
      "RFC 7208 5: \"IPv4 <ip> addresses are only listed in an SPF record using the 'ip4' mechanism\", not as ip6:::ffff:10.1.2.3"},
     {"exists.yml", "ip6.test.org", "167.1.2.3", kExists},
     {"macro.yml", "email.example.com", "2001:db8::cb01", kExists}}};

std::string_view exception(std::string_view path, const spf::Question& question, const spf::Verdict& verdict) {
  const auto found = std::ranges::find_if(kExceptions, [&](const Exception& row) {
    return path.ends_with(row.file) && row.domain == verdict.domain && row.client == question.client.text();
  });
  return found == kExceptions.end() ? std::string_view() : found->clause;
}

class File {
 public:
  File(Suite& suite, std::string name) : suite_(suite), name_(std::move(name)) { question_.receiver = "localdomain.org"; }

  void line(std::string_view text, int number) {
    text = trim(text);
    if (text.starts_with('#') || text.starts_with("---")) return;
    if (text.starts_with("- ")) text = trim(text.substr(2));
    const auto colon = text.find(':');
    if (colon == std::string_view::npos) return;
    const std::string key(text.substr(0, colon));
    const std::string value(trim(text.substr(colon + 1)));
    if (key == "domain") question_.helo = value;
    if (key == "sender") question_.mail_from = value;
    if (key == "expect") return judge(value, number);
    if (key == "ip") {
      const auto client = parse_ip(value);
      if (!client) return suite_.fail(fmt::format("{} line {}", name_, number), "not an address");
      question_.client = *client;
    }
    if (key == "spf" || key == "exp" || key == "a" || key == "aaaa" || key == "mx" || key == "ptr") {
      const auto space = std::min(value.find(' '), value.size());
      lines_[{key, value.substr(0, space)}] = trim(std::string_view(value).substr(space));
    }
  }

 private:
  void judge(const std::string& value, int number) {
    const auto space = std::min(value.find(' '), value.size());
    const std::string result = value.substr(0, space);
    const std::string explanation(trim(std::string_view(value).substr(space)));
    const std::string name = fmt::format("{} line {}", name_, number);
    SpfZone zone;
    for (const auto& [key, line] : lines_) add_line(zone, key.first, key.second, line);
    for (const std::string broken : {"_dns_error.org", "_dns_error.test.org"}) zone.time_out(broken);
    spf::Limits limits;
    limits.void_lookups = limits.lookups;  // that library has no limit of its own for void look-ups (RFC 7208 4.6.4: SHOULD)
    const spf::Verdicts verdicts = zone.check(question_, limits);
    const spf::Verdict& verdict = verdicts.deciding();
    if (is_one_of(verdict.result, {result})) {
      if (explanation.empty() || same_explanation(verdict.explanation, explanation)) return suite_.pass();
      return suite_.fail(name, fmt::format("expected the explanation \"{}\", got \"{}\"", explanation, verdict.explanation));
    }
    if (const auto clause = exception(name_, question_, verdict); !clause.empty()) return suite_.skip(name, clause);
    suite_.fail(name, difference(verdict, {result}));
  }

  Suite& suite_;
  std::string name_;
  spf::Question question_;
  Lines lines_;
};

int run(int argc, char** argv) {
  Suite suite("mail-auth", argc, argv);
  if (!suite.folder()) return 0;
  const bool whole = std::filesystem::is_directory(*suite.folder() / "spf");  // or the folder of the cases itself
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(whole ? *suite.folder() / "spf" : *suite.folder()))
    if (entry.path().extension() == ".yml") names.push_back(entry.path().filename());
  std::ranges::sort(names);
  for (const std::string& name : names) {
    const std::string path = whole ? "spf/" + name : name;
    File file(suite, path);
    const std::string text = suite.read(path);
    int number = 0;
    for (std::size_t begin = 0; begin < text.size();) {
      const auto end = std::min(text.find('\n', begin), text.size());
      file.line(std::string_view(text).substr(begin, end - begin), ++number);
      begin = end + 1;
    }
  }
  return suite.finish();
}

}  // namespace
}  // namespace godwit::conformance

int main(int argc, char** argv) { return godwit::conformance::run(argc, argv); }
