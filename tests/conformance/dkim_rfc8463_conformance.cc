// Conformance: the message of RFC 8463 appendix A, signed with Ed25519 and with RSA. Each signature is a case; both have to pass,
// however the message is cut.

#include <boost/json.hpp>

#include "dkim_messages.h"
#include "suite.h"

namespace godwit::conformance {
namespace {

void publish(testing::FakeResolver& dns, const boost::json::value& zone) {
  for (const auto& [name, types] : zone.as_object()) {
    for (const auto& strings : types.at("TXT").as_array()) {
      std::string text;
      for (const auto& string : strings.as_array()) text += std::string_view(string.as_string());
      dns.add_txt(std::string_view(name), text);
    }
  }
}

int run(int argc, char** argv) {
  Suite suite("dkim-rfc8463", argc, argv);
  if (!suite.folder()) return 0;
  boost::system::error_code error;
  const auto zone = boost::json::parse(suite.read("dns.json"), error);
  if (error) {
    suite.fail("dns.json", error.message());
    return suite.finish();
  }
  const std::string message = with_crlf(suite.read("signed.eml"));
  DkimWorld world;
  publish(world.dns(), zone);
  for (const std::size_t piece : {1UL, 7UL, 100'000UL}) {
    const auto verdicts = world.verify(message, WallTime(std::chrono::seconds(1'528'637'909)), piece);
    if (verdicts.size() != 2) suite.fail("signed.eml", "two signatures are expected: " + describe(verdicts));
    for (const dkim::Verdict& verdict : verdicts) {
      if (verdict.result == dkim::Result::pass)
        suite.pass();
      else
        suite.fail("signed.eml, " + verdict.selector, verdict.text);
    }
  }
  return suite.finish();
}

}  // namespace
}  // namespace godwit::conformance

int main(int argc, char** argv) { return godwit::conformance::run(argc, argv); }
