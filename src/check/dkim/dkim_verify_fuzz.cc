// Whole messages: the first line is the key record under every name, the rest the message. Whatever comes: a verdict for each
// signature, with a sentence; and what we sign ourselves verifies.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "check/dkim/dkim_fixture.h"

using namespace godwit;

namespace {

class OneRecord final : public dns::Resolver {
 public:
  explicit OneRecord(std::string record) : record_(std::move(record)) {}
  Task<dns::Response> resolve(dns::Question question, Duration /*timeout*/) override {
    dns::Response response;
    response.canonical = std::move(question.name);
    response.status = record_.empty() ? dns::Status::no_data : dns::Status::records;
    if (!record_.empty()) response.records = std::vector<std::string>{record_};
    co_return response;
  }
  void stop() override {}

 private:
  std::string record_;
};

void require(bool holds) {
  if (!holds) std::abort();
}

std::vector<dkim::Verdict> verify(testing::TestLoop& loop, std::string_view message, const std::string& record) {
  OneRecord resolver(record);
  dkim::Verifier verifier({}, loop.clock().now());
  const std::size_t piece = 1 + message.size() / 3;
  for (std::size_t i = 0; i < message.size(); i += piece) verifier.feed(message.substr(i, piece));
  return loop.run(verifier.finish(resolver));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t line = std::min(input.find('\n'), input.size());
  const auto message = input.substr(std::min(line + 1, input.size()));
  testing::TestLoop loop;
  const auto verdicts = verify(loop, message, std::string(input.substr(0, line)));
  for (const auto& verdict : verdicts) {
    require(!verdict.text.empty() && verdict.result == dkim::result_of(verdict.reason) && verdict.shown <= verdict.signature.size());
    require(verdict.result != dkim::Result::pass || (!verdict.domain.empty() && verdict.key_bits > 0));
  }
  static const auto key = dkim::SigningKey::create("example.org", "s", dkim::ed25519_key()).value();
  dkim::Signer signer({key}, {}, loop.clock().now());
  signer.feed(message);
  const auto prepared = signer.finish();
  if (!prepared) return 0;
  const std::string with = dkim::sign(*prepared).value() + std::string(message);
  if (with.size() > dkim::HeaderFields::kMaxBytes) return 0;
  const auto own = verify(loop, with, key.record());
  require(!own.empty() && own.front().result == dkim::Result::pass);
  return 0;
}
