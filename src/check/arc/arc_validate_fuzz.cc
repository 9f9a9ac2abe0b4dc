// Whole messages: the first line is the key record under every name, the rest the message. Whatever comes: a state with a sentence,
// whole or in pieces the same, and `pass` only for sets that all hold.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "check/arc/validate.h"
#include "testing/test_loop.h"

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

arc::Verdict validate(testing::TestLoop& loop, std::string_view message, const std::string& record, std::size_t piece) {
  OneRecord resolver(record);
  arc::Validator validator({}, loop.clock().now());
  for (std::size_t i = 0; i < message.size(); i += piece) validator.feed(message.substr(i, piece));
  return loop.run(validator.finish(resolver));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t line = std::min(input.find('\n'), input.size());
  const auto message = input.substr(std::min(line + 1, input.size()));
  const std::string record(input.substr(0, line));
  testing::TestLoop loop;
  const auto whole = validate(loop, message, record, 1'000'000);
  const auto pieces = validate(loop, message, record, 1 + message.size() / 5);
  require(!whole.text.empty() && whole.result == pieces.result && whole.text == pieces.text);
  require(whole.sets.size() <= arc::kMaxInstance && whole.broken_at <= arc::kMaxInstance && whole.oldest_pass <= whole.sets.size());
  require((whole.result == arc::ChainState::pass) <= !whole.sets.empty());
  for (const auto& set : whole.sets) {
    if (whole.result == arc::ChainState::pass) require(set.seal.result == dkim::Result::pass);
  }
  const std::vector<std::string> nobody;
  require(!arc::vouched_for(whole, nobody, "example.org"));
  ignore(authres::parse(whole.method_result().comment), "only that it ends");
  return 0;
}
