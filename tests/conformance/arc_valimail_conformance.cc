// Conformance: ValiMail's ARC test suite, validation: each message with the scenario's keys, and the state of its chain.

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include "base/bytes.h"
#include "check/arc/validate.h"
#include "dkim_messages.h"
#include "suite.h"

namespace godwit::conformance {
namespace {

constexpr std::string_view kFile = "arc-draft-validation-tests.yml";
constexpr WallTime kReceived{std::chrono::seconds(1'600'000'000)};

arc::Verdict validate(const YAML::Node& records, std::string_view message) {
  testing::TestLoop loop;
  testing::FakeResolver dns(loop.clock());
  for (const auto& record : records) dns.add_txt(record.first.as<std::string>(), trim(record.second.as<std::string>()));
  arc::Validator validator({}, kReceived);
  constexpr std::size_t kPiece = 777;
  for (std::size_t i = 0; i < message.size(); i += kPiece) validator.feed(message.substr(i, kPiece));
  return loop.run(validator.finish(dns));
}

void judge(Suite& suite, const std::string& name, const YAML::Node& test, const YAML::Node& records) {
  const arc::Verdict verdict = validate(records, with_crlf(test["message"].as<std::string>("")));
  std::string wanted = ascii_lower(test["cv"].as<std::string>(""));
  while (!wanted.empty() && (wanted.back() == '\n' || wanted.back() == ' ')) wanted.pop_back();
  const std::string got(to_string(verdict.result));
  if (wanted.empty() && verdict.result == arc::ChainState::fail)
    return suite.skip(name, "expects no state where a seal says cv=fail; RFC 8617 5.2 steps 2 and 3 C: the state is fail");
  if (got == wanted)
    suite.pass();
  else
    suite.fail(name, fmt::format("expected {}, got {}: {}", wanted, got, verdict.text));
}

int run(int argc, char** argv) {
  Suite suite("arc-valimail", argc, argv);
  if (!suite.folder()) return 0;
  try {
    for (const auto& scenario : YAML::LoadAll(suite.read(kFile))) {
      if (!scenario.IsMap()) continue;
      for (const auto& entry : scenario["tests"]) judge(suite, entry.first.as<std::string>(), entry.second, scenario["txt-records"]);
    }
  } catch (const YAML::Exception& error) {
    suite.fail(kFile, error.what());
  }
  return suite.finish();
}

}  // namespace
}  // namespace godwit::conformance

int main(int argc, char** argv) { return godwit::conformance::run(argc, argv); }
