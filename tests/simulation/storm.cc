// The storm: a site that answers 451 to everything for eight hours while a hundred thousand messages wait for it, and the mail of others
// to other sites in between. Attempts stay what the schedule has; others do not notice.

#include <algorithm>

#include "landscape.h"
#include "simulation.h"

namespace godwit::simulation {
namespace {

using namespace std::chrono_literals;

constexpr Duration kStorm = 8h;
constexpr std::string_view kSender = "bulk@two.home.test";

class Storm {
 public:
  explicit Storm(std::uint64_t messages) : messages_(messages), machine_(world(), 1, settings()) {
    for (const auto& [host, address] : {std::pair("mx.storm.test", "198.51.100.1"), std::pair("mx.steady.test", "198.51.101.1")}) {
      peers_.push_back(std::make_unique<Peer>(host, 1, peers_.size(), clock_, journal_, ledger_));
      dns_.add_address(host, address);
      network_.listen(*parse_ip(address), *peers_.back());
    }
    dns_.add_mx("storm.test", 10, "mx.storm.test");
    dns_.add_mx("steady.test", 10, "mx.steady.test");
    // The schedule of eight hours, a tenth sooner, and the delay notice.
    ledger_.set_rules({.most_attempts = 11});
    ledger_.expect_prompt("steady.test", 1s);
  }

  int run();

 private:
  static scheduler::Settings settings() {
    scheduler::Settings settings;
    settings.hostname = "mx.one.home.test";
    settings.retry = {1min, 5min, 15min, 30min, 1h, 2h, 4h};
    return settings;
  }
  World world() { return {loop_, clock_, journal_, ledger_, network_, dns_}; }
  static Task<> send(Storm& storm, std::string tag, std::string to);
  void hand_in(const std::string& to) { machine_.start_client(send(*this, fmt::format("m{}", ++number_), to)); }
  void run_until(SteadyTime when);

  const std::uint64_t messages_;
  std::uint64_t number_ = 0;
  testing::TestLoop loop_;
  SimClock clock_;
  Journal journal_{clock_, false};
  Ledger ledger_{clock_, journal_};
  SimNetwork network_{1, clock_};
  testing::FakeResolver dns_{clock_};
  Machine machine_;
  std::vector<std::unique_ptr<Peer>> peers_;
};

Task<> Storm::send(Storm& storm, std::string tag, std::string to) {
  Mail mail;
  mail.tag = tag;
  mail.sender = kSender;
  mail.fates[to];
  mail.body = "X-Tag: " + tag + "\r\nPrecedence: bulk\r\n\r\nstorm\r\n";
  Mail& kept = storm.ledger_.ask(std::move(mail));
  intake::Source source;
  source.may_relay = true;
  source.session = tag;
  source.helo = "client.test";
  intake::MailParameters parameters;
  parameters.reverse_path = smtp::ReversePath(*smtp::parse_address(kSender));
  auto begun = co_await storm.machine_.intake().begin(source, std::move(parameters));
  GODWIT_CHECK(begun);
  const auto transaction = *std::move(begun);
  auto recipient = *smtp::parse_address(to);
  auto reply = co_await transaction->add_recipient(std::move(recipient), queue::Notify(), std::string());
  if (reply.positive()) {
    ignore(transaction->begin_body(), "the commit says it");
    co_await transaction->append(kept.body);
    reply = co_await transaction->commit();
  }
  if (reply.positive())
    storm.ledger_.kept(kept);
  else
    storm.journal_.violation("refused: " + reply.one_line());
}

void Storm::run_until(SteadyTime when) {
  loop_.poll();
  while (clock_.step(when, machine_.is_idle() && network_.open() == 0)) loop_.poll();
}

int Storm::run() {
  const SteadyTime begin = clock_.steady();
  peers_[0]->set_mood({.trouble = Trouble::later, .stage = Stage::rcpt, .limit = 0});
  machine_.start();
  constexpr std::uint64_t kBurst = 1'000;
  for (std::uint64_t i = 0; i < messages_; ++i) {
    hand_in(fmt::format("u{}@storm.test", i));
    if (i % kBurst == kBurst - 1) run_until(clock_.steady() + 100ms);
  }
  for (SteadyTime when = clock_.steady(); when < begin + kStorm; when += 1min) {
    run_until(when);
    hand_in("friend@steady.test");
  }
  run_until(begin + kStorm);
  const Ledger::Totals stormy = ledger_.totals();
  peers_[0]->set_mood({});
  std::int64_t hours = 0;
  for (; machine_.totals().messages > 0 && hours < 24; ++hours) run_until(clock_.steady() + 1h);
  if (machine_.totals().messages > 0) journal_.violation(fmt::format("{} messages are left", machine_.totals().messages));
  machine_.stop();
  run_until(clock_.steady() + 3h);
  fmt::print(
      "{} messages to a site that answers 451 for {} h: {} attempts meanwhile, at most {} for a message; at most {} ms from 250 to another "
      "site; "
      "all had gone {} h after it was well again\n",
      messages_, kStorm / 1h, stormy.attempts, stormy.most_attempts, ledger_.totals().latest_steady.count(), hours);
  for (const std::string& violation : journal_.violations()) fmt::print("  {}\n", violation);
  return journal_.violations().empty() ? 0 : 1;
}

}  // namespace

int storm(std::uint64_t messages) {
  Storm storm(messages);
  return storm.run();
}

}  // namespace godwit::simulation
