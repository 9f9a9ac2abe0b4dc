// Any bytes at an IMAP session that a client may send: INBOX with two messages, a known account, passwords in the clear, with TLS
// offered. The first byte cuts the stream into pieces. Checks that the session ends, that what it says are whole lines, and that the
// rows of the account add up whatever it did.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "frontend/imapd/imap_fixture.h"
#include "testing/memory_client.h"

namespace {

using namespace godwit;

constexpr std::string_view kAnna = "anna@example.org";
constexpr std::size_t kInputsAWorld = 100;  // tombstones gather, and the memory engine copies its tables

std::unique_ptr<testing::ImapWorld> make_world() {
  auto world = std::make_unique<testing::ImapWorld>();
  world->settings.plaintext_from = {parse_network("0.0.0.0/0").value()};
  world->settings.wrong_password_delay = Duration(1);
  world->settings.max_wrong_passwords = 2;  // each costs an argon2
  const auto account = world->add_account(kAnna, "secret");
  GODWIT_CHECK(account.has_value());
  GODWIT_CHECK(world->loop().run(world->mailboxes->open_account(account->id)).has_value());
  // argon2 once: from here on the right password costs an HMAC (the manual clock hardly moves)
  GODWIT_CHECK(world->loop().run(world->directory->authenticate(std::string(kAnna), "secret")).value().has_value());
  return world;
}

void fill_inbox(testing::ImapWorld& world) {
  for (std::size_t have = world.mailbox_of(kAnna, "INBOX")->total; have < 2; ++have)
    GODWIT_CHECK(world.add_mail(kAnna, "Return-Path: <>\r\n", "Subject: x\r\n\r\nbody\r\n").has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static std::unique_ptr<testing::ImapWorld> world;
  static std::size_t inputs = 0;
  if (size < 1) return 0;
  if (inputs++ % kInputsAWorld == 0) world = make_world();
  fill_inbox(*world);

  const std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  auto [server, own] = testing::make_memory_streams(world->loop().clock(), {.segment = data[0] % 32u});
  const testing::MemoryClient client(world->loop(), std::move(own));
  world->serve(std::move(server));
  client.read_all();
  client.say(bytes);
  world->loop().advance(Duration(100));  // the delays of wrong passwords
  client.close();
  world->loop().advance(Duration(100));

  GODWIT_CHECK(world->sessions() == 0);
  GODWIT_CHECK(client.received().starts_with("* OK [CAPABILITY "));
  const auto account = world->account(kAnna).value();
  const auto wrong = world->loop().run(world->mailboxes->verify(account.id)).value();
  GODWIT_CHECK(wrong.empty());
  return 0;
}
