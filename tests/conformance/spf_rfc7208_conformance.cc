// Conformance: the SPF test suite of openspf for RFC 7208. A scenario is a zone and its tests; each test is one check_host() of
// the MAIL FROM identity (which is postmaster@HELO for an empty one). SOURCE.md of the suite says how the zone is to be read.

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <map>

#include "base/utf8.h"
#include "spf_zone.h"
#include "suite.h"

namespace godwit::conformance {
namespace {

constexpr std::string_view kFile = "rfc7208-tests.yml";

// \xNN of the file are bytes; YAML reads them as the characters U+00NN. What is not there is empty.
std::string bytes_of(const YAML::Node& node) {
  if (!node || !node.IsScalar()) return {};
  const auto text = node.as<std::string>();
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const auto length = std::max<std::size_t>(utf8_length(std::string_view(text).substr(i)), 1);
    const auto code_point = length == 1 ? static_cast<unsigned char>(text[i]) : utf8_code_point(std::string_view(text).substr(i), length);
    out += code_point < 256 ? std::string(1, static_cast<char>(code_point)) : text.substr(i, length);
    i += length;
  }
  return out;
}

// A text, or the strings of one record.
std::string joined(const YAML::Node& node) {
  if (!node.IsSequence()) return bytes_of(node);
  std::string out;
  for (const auto& part : node) out += bytes_of(part);
  return out;
}

std::vector<std::string> words(const YAML::Node& node) {
  std::vector<std::string> out;
  if (node.IsSequence()) {
    for (const auto& word : node) out.push_back(word.as<std::string>());
  } else {
    out.push_back(node.as<std::string>());
  }
  return out;
}

std::optional<dns::Type> type_of(const std::string& name) {
  static const std::map<std::string, dns::Type> kTypes = {{"A", dns::Type::a},         {"AAAA", dns::Type::aaaa}, {"MX", dns::Type::mx},
                                                          {"CNAME", dns::Type::cname}, {"PTR", dns::Type::ptr},   {"TXT", dns::Type::txt}};
  const auto found = kTypes.find(name);
  return found == kTypes.end() ? std::nullopt : std::optional(found->second);
}

// One record under a name; SPF stands for TXT where `spf_is_txt`. What it is of, if it is there to be found.
std::optional<dns::Type> add_record(SpfZone& zone, const std::string& name, const std::string& type, const YAML::Node& data,
                                    bool spf_is_txt) {
  if (type == "SPF" && !spf_is_txt) return std::nullopt;
  const auto known = type_of(type == "SPF" ? "TXT" : type);
  if (!known) return std::nullopt;
  switch (*known) {
    case dns::Type::txt:
      if (data.IsScalar() && data.as<std::string>() == "NONE") return std::nullopt;
      zone.txt(name, joined(data));
      break;
    case dns::Type::mx:
      if (data.IsSequence() && data.size() == 2) zone.mx(name, data[0].as<unsigned>(0), bytes_of(data[1]));
      break;
    case dns::Type::ptr: zone.ptr_at(name, bytes_of(data)); break;
    case dns::Type::cname: zone.cname(name, bytes_of(data)); break;
    default: zone.address(name, bytes_of(data)); break;
  }
  return known;
}

void add_name(SpfZone& zone, const std::string& name, const YAML::Node& items) {
  bool spf_is_txt = true;
  for (const auto& item : items)
    if (item.IsMap() && item["TXT"]) spf_is_txt = false;
  std::map<dns::Type, bool> answered;
  bool times_out = false;
  for (const auto& item : items) {
    if (item.IsScalar() && item.as<std::string>() == "TIMEOUT") {
      times_out = true;
      break;  // what follows is behind the silence
    }
    for (const auto& entry : item)
      if (const auto type = add_record(zone, name, entry.first.as<std::string>(), entry.second, spf_is_txt)) answered[*type] = true;
  }
  if (!times_out) return;
  for (const auto type : {dns::Type::a, dns::Type::aaaa, dns::Type::mx, dns::Type::txt, dns::Type::ptr})
    if (!answered[type]) zone.time_out(name, type);
}

void judge(Suite& suite, SpfZone& zone, const std::string& name, const YAML::Node& test) {
  const auto client = parse_ip(test["host"].as<std::string>());
  if (!client) return suite.fail(name, "host is not an address");
  spf::Question question;
  question.client = *client;
  question.helo = bytes_of(test["helo"]);
  question.mail_from = bytes_of(test["mailfrom"]);
  const auto expected = words(test["result"]);
  const spf::Verdict verdict = zone.check_host(question, {});
  if (!is_one_of(verdict.result, expected)) return suite.fail(name, difference(verdict, expected));
  if (test["explanation"] && verdict.result == spf::Result::fail) {
    std::string wanted = bytes_of(test["explanation"]);
    if (wanted == "DEFAULT") wanted.clear();  // ours is to have none, and to leave the words to who refuses
    if (!same_explanation(verdict.explanation, wanted))
      return suite.fail(name,
                        fmt::format("expected the explanation \"{}\", got \"{}\"", printable(wanted), printable(verdict.explanation)));
  }
  suite.pass();
}

void run_scenario(Suite& suite, const YAML::Node& scenario) {
  SpfZone zone;
  for (const auto& entry : scenario["zonedata"]) add_name(zone, bytes_of(entry.first), entry.second);
  const auto title = scenario["description"].as<std::string>("?");
  for (const auto& entry : scenario["tests"]) judge(suite, zone, title + ", " + entry.first.as<std::string>(), entry.second);
}

int run(int argc, char** argv) {
  Suite suite("spf-rfc7208", argc, argv);
  if (!suite.folder()) return 0;
  try {
    for (const auto& document : YAML::LoadAll(suite.read(kFile)))
      if (document.IsMap()) run_scenario(suite, document);
  } catch (const YAML::Exception& error) {
    suite.fail(kFile, error.what());
  }
  return suite.finish();
}

}  // namespace
}  // namespace godwit::conformance

int main(int argc, char** argv) { return godwit::conformance::run(argc, argv); }
