// Fills the queue of a data directory, for the proof of a million: through the real house and queue, with the server down.
//
//   fill_queue DIRECTORY MESSAGES DOMAINS [FRESH]
//
// Message i goes to user@dN.many.test, N = i % DOMAINS (0 is the dead one of million.py). The last FRESH messages (default: one a domain)
// stay fresh, as if they had just been accepted; all others have had an attempt and wait for their next, in six hours.

#include <charconv>
#include <cstdio>
#include <cstring>

#include "app/house.h"
#include "frontend/adminapi/control.h"
#include "state/queue/queue.h"

namespace godwit::app {
namespace {

constexpr std::size_t kAtOnce = 200;  // a loop; they share their syncs
constexpr std::string_view kBody = "Subject: one of a million\r\nFrom: <bulk@sender.test>\r\n\r\nHello\r\n";

struct Filling {
  House& house;
  std::uint64_t messages = 0;
  std::uint64_t domains = 0;
  std::uint64_t fresh = 0;
  std::atomic<std::uint64_t> next{0};
};

queue::Message make_message(Filling& filling, std::size_t loop, std::uint64_t number) {
  queue::Message message;
  message.id = filling.house.admin().queue.next_id(loop);
  message.reverse_path = smtp::ReversePath(*smtp::parse_address(fmt::format("bulk{}@sender.test", number % 7)));
  queue::Recipient recipient;
  recipient.address = *smtp::parse_address(fmt::format("user{}@d{}.many.test", number, number % filling.domains));
  message.recipients.push_back(std::move(recipient));
  message.tenant = fmt::format("tenant{}.test", number % 20);
  message.session = "fill";
  message.prefix = fmt::format("Received: by mx.example.test id {}; Mon, 23 Nov 2026 12:00:00 +0000\r\n", message.id.text());
  message.accepted = filling.house.clock().now();
  return message;
}

void defer(queue::Message& message, WallTime when) {
  queue::Recipient& recipient = message.recipients[0];
  recipient.attempts = 1;
  recipient.next_attempt = when;
  recipient.last.status = {4, 2, 0};
  recipient.last.text = "the server refused the recipient for now";
  recipient.last.remote = "mx.many.test [127.0.0.1]:25";
  recipient.last.remote_reply = "451 4.2.0 later";
}

Task<Result<void>> add(Filling& filling, std::size_t loop, std::uint64_t number) {
  queue::Message message = make_message(filling, loop, number);
  auto body = filling.house.blobs().begin(queue::Queue::partition_of(message.id), message.id.value);
  GODWIT_CO_TRY(co_await body->append(kBody));
  GODWIT_CO_ASSIGN(message.blob, co_await body->finish());
  message.size = kBody.size();
  GODWIT_CO_TRY(co_await filling.house.admin().queue.accept(message, *body));
  if (number >= filling.messages - filling.fresh) co_return Result<void>();
  // spread over an hour, six hours from now
  defer(message, filling.house.clock().now() + std::chrono::hours(6) + std::chrono::milliseconds(number % 3'600'000));
  std::vector<queue::Handover> no_owners;
  co_return co_await filling.house.admin().queue.update(message, std::move(no_owners), true);
}

Task<> work(Filling& filling, std::size_t loop) {
  while (true) {
    const std::uint64_t number = filling.next.fetch_add(1);
    if (number >= filling.messages) co_return;
    const auto added = co_await add(filling, loop, number);
    if (!added) {
      fmt::print(stderr, "message {}: {}\n", number, added.error().text);
      std::exit(1);
    }
    if (number % 1'000'000 == 999'999) fmt::print("{} messages\n", number + 1);
  }
}

int fill(const std::string& directory, std::uint64_t messages, std::uint64_t domains, std::uint64_t fresh) {
  Config config;
  config.hostname = "mx.example.test";
  config.data_dir = directory;
  config.store_min_free = 64 << 20;
  net::LoopPool loops(2);
  auto house = House::open(config, loops, true);
  if (!house) {
    fmt::print(stderr, "{}\n", house.error().text);
    return 1;
  }
  Filling filling{**house, messages, domains, fresh, {}};
  net::TaskGroup workers;
  for (std::size_t i = 0; i < kAtOnce * loops.size(); ++i)
    net::spawn(loops.executor(i % loops.size()), workers, "fill", work(filling, i % loops.size()));
  (*house)->run(workers.wait((*house)->clock(), std::chrono::hours(10)));
  (*house)->close(std::chrono::seconds(5));
  return 0;
}

bool parse(const char* text, std::uint64_t& into) { return std::from_chars(text, text + std::strlen(text), into).ec == std::errc(); }

}  // namespace
}  // namespace godwit::app

int main(int argc, char** argv) {
  std::uint64_t messages = 0;
  std::uint64_t domains = 0;
  std::uint64_t fresh = 0;
  const bool good = (argc == 4 || argc == 5) && godwit::app::parse(argv[2], messages) && godwit::app::parse(argv[3], domains) &&
                    domains > 0 && (argc == 4 || godwit::app::parse(argv[4], fresh));
  if (!good) {
    fmt::print(stderr, "fill_queue DIRECTORY MESSAGES DOMAINS [FRESH]\n");
    return 2;
  }
  return godwit::app::fill(argv[1], messages, domains, std::min(messages, argc == 5 ? fresh : domains));
}
