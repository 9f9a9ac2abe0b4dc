// Any bytes at a POP3 session that a client may send: INBOX with two messages, a known account, passwords in the clear, with TLS
// offered. The first byte cuts the stream into pieces and switches EXPIRE 0 and LOGIN-DELAY on. Checks that the session ends, that only
// QUIT removes mail, and that every reply line begins as a reply does.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "frontend/pop3d/pop3_fixture.h"
#include "testing/memory_client.h"

namespace {

using namespace godwit;

constexpr std::string_view kAnna = "anna@example.org";
constexpr std::size_t kInputsAWorld = 100;  // tombstones gather, and the memory engine copies its tables

std::unique_ptr<testing::Pop3World> make_world() {
  auto world = std::make_unique<testing::Pop3World>();
  world->settings.plaintext_from = {parse_network("0.0.0.0/0").value()};
  world->settings.wrong_password_delay = Duration(1);
  world->settings.max_wrong_passwords = 2;  // each costs an argon2
  GODWIT_CHECK(world->add_account(kAnna, "secret").has_value());
  // argon2 once: from here on the right password costs an HMAC (the manual clock hardly moves)
  GODWIT_CHECK(world->loop().run(world->directory->authenticate(std::string(kAnna), "secret")).value().has_value());
  return world;
}

void fill_inbox(testing::Pop3World& world) {
  for (std::size_t have = world.uids(kAnna)->size(); have < 2; ++have)
    GODWIT_CHECK(world.add_mail(kAnna, "Return-Path: <>\r\n", "Subject: x\r\n\r\n.\r\nbody\r\n.\r\n").has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static std::unique_ptr<testing::Pop3World> world;
  static std::size_t inputs = 0;
  if (size < 1) return 0;
  if (inputs++ % kInputsAWorld == 0) world = make_world();
  fill_inbox(*world);
  const auto before = world->uids(kAnna).value();

  world->settings.removes_retrieved = (data[0] & 0x20u) != 0;
  world->settings.login_delay = Duration((data[0] & 0x40u) != 0 ? 1'000 : 0);
  const std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  auto [server, own] = testing::make_memory_streams(world->loop().clock(), {.segment = data[0] % 32u});
  const testing::MemoryClient client(world->loop(), std::move(own));
  world->serve(std::move(server));
  client.read_all();
  client.say(bytes);
  world->loop().advance(Duration(100));  // the delays of wrong passwords
  const bool ended_by_itself = client.ended();
  client.close();
  world->loop().advance(Duration(100));

  GODWIT_CHECK(world->sessions() == 0);
  GODWIT_CHECK(client.received().starts_with("+OK mx.example.org"));
  GODWIT_CHECK(client.received().ends_with("\r\n"));
  const bool quit = ended_by_itself && client.received().ends_with("+OK good bye\r\n");
  GODWIT_CHECK(quit || world->uids(kAnna).value() == before);
  return 0;
}
