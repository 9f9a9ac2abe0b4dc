// A whole SMTP session, whatever a client sends: first byte = listener and segment size, then the client's bytes; a byte 0xFE lets
// ten seconds pass. Properties: no crash, the session ends when the client leaves, replies are well formed, and the server is
// never an open relay: what a stranger got kept goes to local recipients (or where an alias of ours leads), and the submission
// listeners keep nothing of who has not logged in.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "testing/smtp_world.h"

namespace {

using namespace godwit;  // NOLINT(google-build-using-namespace): a program of its own

struct House {
  testing::SmtpWorld world;

  House() {
    GODWIT_CHECK(world.mail.add_domain("example.org").has_value());
    GODWIT_CHECK(world.mail.add_account("bob@example.org", "secret").has_value());
    GODWIT_CHECK(world.mail.add_alias("out@example.org", {"friend@elsewhere.test", "bob@example.org"}).has_value());
    GODWIT_CHECK(world.mail.add_route({"routed.test", {"smtp://127.0.0.1:2600"}}).has_value());
    GODWIT_CHECK(world.mail.add_route({"held.test", {"hold"}}).has_value());
    world.settings.allow.push_back(*parse_network("192.0.2.0/24"));  // no delay after a wrong password
    world.settings.max_message_size = world.mail.settings.max_message_size = 64 * 1024;
  }
};

Task<> collect(std::shared_ptr<net::Stream> stream, std::shared_ptr<std::string> into) {
  std::string buffer(4'096, '\0');
  for (;;) {
    const auto got = co_await stream->read(buffer, std::chrono::hours(24));
    if (!got || *got == 0) co_return;
    into->append(buffer, 0, *got);
  }
}

Task<> send(std::shared_ptr<net::Stream> stream, std::string bytes) {
  ignore(co_await stream->write(bytes, std::chrono::hours(24)), "the server may have closed");
}

void check_replies(std::string_view replies) {
  while (!replies.empty()) {
    const std::size_t end = replies.find("\r\n");
    GODWIT_CHECK(end != std::string_view::npos && end >= 4 && end <= 510);
    const std::string_view line = replies.substr(0, end);
    GODWIT_CHECK(line[0] >= '2' && line[0] <= '5' && (line[3] == ' ' || line[3] == '-'));
    GODWIT_CHECK(line.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos);
    replies.remove_prefix(end + 2);
  }
}

void check_message(const queue::Message& message, smtpd::Role role) {
  if (role != smtpd::Role::mx) {
    GODWIT_CHECK(message.identity == "bob@example.org");
    GODWIT_CHECK(message.reverse_path.is_null() || message.reverse_path.address().domain.text() == "example.org");
    return;
  }
  for (const auto& recipient : message.recipients) {
    const bool local = recipient.address.domain.text() == "example.org";
    const bool by_alias = recipient.address.text() == "friend@elsewhere.test" && ascii_lower(recipient.original).starts_with("out");
    GODWIT_CHECK(local || by_alias);
  }
}

void check_and_empty_queue(testing::SmtpWorld& world, smtpd::Role role) {
  for (const auto& message : world.mail.stored()) {
    check_message(message, role);
    GODWIT_CHECK(world.mail.body_of(message).size() == message.size);
    GODWIT_CHECK(world.loop().run(world.mail.queue->complete(message, {})).has_value());
  }
  world.mail.accepted.clear();
  world.mail.trace->keys_of.clear();
  world.mail.trace->events_of.clear();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static House* const house = new House;  // for all runs: an account costs 14 ms
  if (size == 0 || size > 64 * 1024) return 0;
  auto& world = house->world;
  const unsigned flags = data[0];
  constexpr smtpd::Role kRoles[] = {smtpd::Role::mx, smtpd::Role::submission, smtpd::Role::submissions, smtpd::Role::mx};
  world.role = kRoles[flags & 3];
  testing::MemoryStreamOptions options;
  constexpr std::size_t kSegments[] = {0, 1, 4, 16};
  options.segment = kSegments[flags >> 2 & 3];

  auto [server, client_end] = testing::make_memory_streams(world.loop().clock(), options);
  const std::shared_ptr<net::Stream> client = std::move(client_end);
  const auto replies = std::make_shared<std::string>();
  world.loop().start(collect(client, replies));
  world.serve(std::move(server));
  std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  while (!input.empty()) {
    const std::size_t end = std::min(input.find('\xfe'), input.size());
    world.loop().start(send(client, std::string(input.substr(0, end))));
    world.loop().poll();
    if (end < input.size()) world.loop().advance(std::chrono::seconds(10));
    input.remove_prefix(std::min(end + 1, input.size()));
  }
  client->close();
  world.loop().advance(std::chrono::minutes(10));
  GODWIT_CHECK(world.sessions() == 0);
  check_replies(*replies);
  check_and_empty_queue(world, world.role);
  return 0;
}
