// Any message, any items: "items" LF message. FETCH must come to an end, and what it writes must be FETCH responses. The first byte chooses
// the dialect and how the message is divided into prefix and blob.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "frontend/imapd/fetch_fixture.h"

namespace {

using namespace godwit;

constexpr std::size_t kInputsAWorld = 100;
constexpr std::size_t kMaxPrefix = 48 * 1024;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static std::unique_ptr<testing::FetchWorld> world;
  static std::size_t inputs = 0;
  if (size < 1) return 0;
  if (inputs++ % kInputsAWorld == 0) world = std::make_unique<testing::FetchWorld>();

  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto newline = bytes.find('\n');
  if (newline == std::string_view::npos) return 0;
  const std::string_view items = bytes.substr(0, newline);
  const std::string_view message = bytes.substr(newline + 1);

  world->dialect.rev2 = (data[0] & 1) != 0;
  world->dialect.utf8_accept = (data[0] & 2) != 0;
  world->uid = (data[0] & 4) != 0;
  const std::size_t prefix = message.empty() || message.size() > kMaxPrefix ? 0 : (data[0] >> 3) % message.size();
  testing::AddedMessage added;
  added.prefix = message.substr(0, prefix);
  added.bytes = message.substr(prefix);
  world->all.clear();
  world->add(std::move(added));

  const auto text = world->try_fetch(items);
  if (!text) return 0;
  GODWIT_CHECK(testing::ResponseReader(*text).all());
  GODWIT_CHECK(world->result.gone == 0 && world->result.unreadable == 0 && !world->result.error);
  GODWIT_CHECK(!world->out.broken());
  return 0;
}
