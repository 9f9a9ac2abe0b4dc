#include "simulation.h"

#include <algorithm>
#include <functional>
#include <map>
#include <utility>

#include "landscape.h"

namespace godwit::simulation {
namespace {

using namespace std::chrono_literals;
using std::chrono::days;
using Action = scheduler::Scheduler::Action;

scheduler::Settings make_settings(Dice& dice, bool hours) {
  scheduler::Settings settings;
  settings.hostname = "mx.one.home.test";
  if (hours) {
    settings.retry = {1min, 5min, 20min};
    settings.expire = 2h;
    settings.delay_notice = 30min;
    settings.window = dice.one_of<std::size_t>({4, 10'000});
    return settings;
  }
  if (dice.chance(70))
    settings.retry = {1min, 5min, 15min, 30min, 1h, 2h, 4h};
  else
    settings.retry = {Duration(dice.between(Duration(30s), Duration(10min))), 1h, 3h};
  settings.expire = dice.one_of<Duration>({12h, days(1), days(2), days(5)});
  settings.delay_notice = dice.one_of<Duration>({1h, 4h, days(1)});
  settings.window = dice.one_of<std::size_t>({4, 20, 100, 10'000});
  return settings;
}

// Rounds that the schedule can have: its steps a tenth sooner, the delay notice, the expiry, a greylisted recipient's sooner attempts,
// and the pauses of a site that rests (30 minutes and more each).
unsigned most_attempts(const scheduler::Settings& settings) {
  Duration time{};
  unsigned attempts = 2;
  while (time < settings.expire) {
    time += settings.retry[std::min<std::size_t>(attempts - 2, settings.retry.size() - 1)] * 9 / 10;
    ++attempts;
  }
  return attempts + 12 + static_cast<unsigned>(settings.expire / 30min);
}

class Run {
 public:
  Run(std::uint64_t seed, Scale scale)
      : scale_(scale),
        journal_(clock_, scale.print),
        ledger_(clock_, journal_),
        network_(seed, clock_),
        dns_(clock_),
        dice_(seed, 1),
        settings_(make_settings(dice_, scale.hours)),
        machine_(world(), seed, settings_),
        landscape_(world(), seed) {}

  Report run();
  Report report() const;

 private:
  World world() { return {loop_, clock_, journal_, ledger_, network_, dns_}; }

  void plan(SteadyTime when, std::function<void()> what) { plans_.emplace(when, std::move(what)); }
  void plan_mail(SteadyTime begin, SteadyTime end);
  void plan_trouble(SteadyTime begin, SteadyTime end);
  void plan_outage(SteadyTime begin, SteadyTime end);
  void run_until(SteadyTime when);
  void run_machine_until(SteadyTime when);
  bool is_idle() const { return machine_.is_idle() && network_.open() == 0; }

  void hand_in(std::string tag);
  static Task<> client(Run& run, std::string tag);
  Task<smtp::Reply> submit(const Mail& mail);
  Mail make_mail(std::string tag);
  void power_cut();
  void restart();
  void act_on_something();
  void begin_outage(std::function<void(bool on)> what, Duration length);
  void end_run();

  const Scale scale_;
  testing::TestLoop loop_;
  SimClock clock_;
  Journal journal_;
  Ledger ledger_;
  SimNetwork network_;
  testing::FakeResolver dns_;
  Dice dice_;
  scheduler::Settings settings_;
  Machine machine_;
  Landscape landscape_;
  std::multimap<SteadyTime, std::function<void()>> plans_;
  std::map<std::string, Mail*> mails_;
  std::size_t cuts_ = 0;
  std::size_t starts_ = 1;
  bool jumps_ = false;
  Duration recovery_{};
  std::uint64_t writes_ = 0;
  const SteadyTime begin_ = clock_.steady();
};

Mail Run::make_mail(std::string tag) {
  static constexpr std::string_view kLocal[] = {"anna@one.home.test", "bert@one.home.test", "carl@two.home.test", "dora@two.home.test"};
  Mail mail;
  mail.tag = std::move(tag);
  if (dice_.chance(75))
    mail.sender = kLocal[dice_.below(std::size(kLocal))];
  else if (dice_.chance(70))
    mail.sender = fmt::format("friend{}@{}", dice_.below(20), landscape_.domain(dice_));
  const bool never = dice_.chance(10);
  const std::size_t recipients = dice_.chance(70) ? 1 : dice_.between(2, 20);
  for (std::size_t i = 0; i < recipients; ++i) {
    Fate fate;
    fate.notify_never = never;
    std::string to;
    if (dice_.chance(15)) {
      to = kLocal[dice_.below(std::size(kLocal))];
      fate.local = true;
    } else {
      const unsigned kind = static_cast<unsigned>(dice_.below(20));
      to = fmt::format("{}{}@{}", kind == 0 ? "nobody" : kind == 1 ? "full" : "u", dice_.below(30), landscape_.domain(dice_));
    }
    mail.fates[to] = fate;
  }
  mail.body = fmt::format("X-Tag: {}\r\nSubject: a simulated mail\r\nFrom: <{}>\r\n{}\r\n", mail.tag,
                          mail.sender.empty() ? "daemon@one.home.test" : mail.sender, dice_.chance(10) ? "Precedence: bulk\r\n" : "");
  const std::size_t lines = dice_.chance(90) ? dice_.below(6) : dice_.below(120);
  for (std::size_t i = 0; i < lines; ++i) mail.body += (dice_.chance(5) ? "." : "") + dice_.random().text(60) + "\r\n";
  return mail;
}

Task<smtp::Reply> Run::submit(const Mail& mail) {
  intake::Source source;
  source.door = intake::Source::Door::mx;
  source.may_relay = true;
  source.session = mail.tag;
  source.helo = "client.test";
  intake::MailParameters parameters;
  if (!mail.sender.empty()) parameters.reverse_path = smtp::ReversePath(*smtp::parse_address(mail.sender));
  for (const auto& account : FirstRows::instance().accounts())
    if (account.address.text() == mail.sender) {
      source.account = account;
      source.door = intake::Source::Door::submission;
    }
  auto begun = co_await machine_.intake().begin(source, std::move(parameters));
  if (!begun) co_return begun.error();
  const auto transaction = *std::move(begun);
  for (const auto& [to, fate] : mail.fates) {
    auto recipient = *smtp::parse_address(to);
    queue::Notify notify;
    notify.given = notify.never = fate.notify_never;
    std::string orcpt;
    auto reply = co_await transaction->add_recipient(std::move(recipient), notify, std::move(orcpt));
    if (!reply.positive()) co_return reply;
  }
  auto reply = transaction->begin_body();
  if (!reply.positive() && !reply.intermediate()) co_return reply;
  co_await transaction->append(mail.body);
  co_return co_await transaction->commit();
}

// One attempt of a client; what is not kept is handed in again later.
Task<> Run::client(Run& run, std::string tag) {
  Mail& mail = *run.mails_.at(tag);
  const smtp::Reply reply = co_await run.submit(mail);
  const bool kept = reply.positive() && run.machine_.is_on();
  run.journal_.add(fmt::format("client {}: {}", tag, reply.one_line()));
  if (kept) run.ledger_.kept(mail);
  if (reply.permanent()) run.journal_.violation("a mail was refused for good: " + reply.one_line());
  if (kept || mail.kept) co_return;
  // Whoever was cut off before the answer may have been heard all the same: it is another mail then, under another tag.
  const SteadyTime again = run.clock_.steady() + 5min;
  const bool unknown = !run.machine_.is_on();
  if (!unknown) run.plan(again, [&run, tag] { run.hand_in(tag); });
}

void Run::hand_in(std::string tag) {
  if (!machine_.is_on()) {
    plan(clock_.steady() + 5min, [this, tag] { hand_in(tag); });
    return;
  }
  if (!mails_.contains(tag)) mails_[tag] = &ledger_.ask(make_mail(tag));
  machine_.start_client(client(*this, tag));
}

void Run::plan_mail(SteadyTime begin, SteadyTime end) {
  const Duration span = end - begin;
  std::size_t number = 0;
  const std::size_t groups = scale_.hours ? dice_.between(3, 6) : dice_.between(5, 25);
  for (std::size_t i = 0; i < groups; ++i) {
    const SteadyTime when = begin + Duration(dice_.between(Duration(0), span));
    const std::size_t count = dice_.chance(80) ? dice_.between(1, 3) : dice_.between(5, scale_.hours ? 6 : 25);
    for (std::size_t k = 0; k < count; ++k)
      plan(when + Duration(dice_.below(3'000)), [this, tag = fmt::format("m{}", ++number)] { hand_in(tag); });
  }
}

void Run::power_cut() {
  ++cuts_;
  ++starts_;
  const SteadyTime from = clock_.steady();
  machine_.cut(dice_.chance(30));
  run_machine_until(clock_.steady() + dice_.between(Duration(5s), Duration(2h)));
  machine_.start();
  if (scale_.cut_again > 0 && cuts_ == 1) machine_.fail_soon(scale_.cut_again, scale_.cut_again % 2 == 0);
  ledger_.outage(from);
}

void Run::restart() {
  ++starts_;
  journal_.add("restart");
  const SteadyTime from = clock_.steady();
  machine_.stop();
  machine_.start();
  ledger_.outage(from);
}

void Run::act_on_something() {
  const auto queued = machine_.queued();
  if (queued.empty()) return;
  const queue::Message& message = queued[dice_.below(queued.size())];
  const auto action = dice_.one_of<Action>({Action::retry, Action::retry, Action::hold, Action::drop});
  journal_.add(fmt::format("act {} on {}", static_cast<int>(action), message.id.text()));
  machine_.act(message.id, action);
  const MessageId id = message.id;
  if (action == Action::hold)
    plan(clock_.steady() + dice_.between(Duration(1s), Duration(10h)), [this, id] { machine_.act(id, Action::release); });
}

void Run::begin_outage(std::function<void(bool on)> what, Duration length) {
  const SteadyTime from = clock_.steady();
  what(true);
  ledger_.in_outage(true);
  plan(from + length, [this, what, from] {
    what(false);
    ledger_.in_outage(false);
    ledger_.outage(from);
  });
}

void Run::plan_outage(SteadyTime begin, SteadyTime end) {
  const SteadyTime when = begin + dice_.between(Duration(0), end - begin);
  const Duration length = dice_.between(Duration(1min), Duration(6h));
  switch (dice_.below(8)) {
    case 0: plan(when, [this] { power_cut(); }); break;
    case 1:
    case 2: plan(when, [this] { machine_.fail_soon(dice_.between(1, 40), dice_.chance(50)); }); break;
    case 3: plan(when, [this] { restart(); }); break;
    case 4:
      plan(when, [this, length] {
        journal_.add("the disk is full");
        begin_outage([this](bool on) { machine_.set_full(on); }, length);
      });
      break;
    case 5:
      plan(when, [this, length] {
        journal_.add("the DNS is silent");
        begin_outage([this](bool on) { dns_.silence_all(on); }, length / 2);
      });
      break;
    case 6:
      plan(when, [this, length] {
        journal_.add("the network is down");
        begin_outage([this](bool on) { network_.set_partition(on); }, length / 2);
      });
      break;
    default:
      if (!jumps_) break;
      plan(when, [this] {
        const Duration by = dice_.between(Duration(1s), Duration(3h)) * (dice_.chance(50) ? 1 : -1);
        journal_.add(fmt::format("the clock is set by {} s", by.count() / 1'000));
        clock_.set_wall(by);
        ledger_.outage(clock_.steady());
      });
      break;
  }
}

void Run::plan_trouble(SteadyTime begin, SteadyTime end) {
  const std::size_t events = scale_.hours ? dice_.between(2, 8) : dice_.between(5, 60);
  for (std::size_t i = 0; i < events; ++i) plan(begin + dice_.between(Duration(0), end - begin), [this] { landscape_.disturb(); });
  const std::size_t outages = scale_.hours ? 0 : dice_.between(0, 6);
  for (std::size_t i = 0; i < outages; ++i) plan_outage(begin, end);
  const std::size_t actions = dice_.chance(30) ? dice_.between(1, 8) : 0;
  for (std::size_t i = 0; i < actions; ++i) plan(begin + dice_.between(Duration(0), end - begin), [this] { act_on_something(); });
}

void Run::run_machine_until(SteadyTime when) {
  loop_.poll();
  do {
    if (machine_.crashed()) power_cut();
    loop_.poll();
  } while (clock_.step(when, is_idle()));
  loop_.poll();
}

void Run::run_until(SteadyTime when) {
  while (!plans_.empty() && plans_.begin()->first <= when) {
    run_machine_until(plans_.begin()->first);
    auto what = std::move(plans_.begin()->second);
    plans_.erase(plans_.begin());
    what();
  }
  run_machine_until(when);
}

// Everything is well: within the longest step, a site's rest and a turn of its rate all that is left must go.
void Run::end_run() {
  while (!plans_.empty()) run_until(plans_.begin()->first);
  machine_.set_full(false);
  landscape_.heal();
  ledger_.outage(clock_.steady());
  const SteadyTime begin = clock_.steady();
  const Duration most = settings_.retry.back() * 2 + 12h;
  for (int hour = 0; machine_.totals().messages > machine_.totals().held && hour * 1h < most; ++hour) run_until(begin + hour * 1h);
  for (const auto& message : machine_.queued())
    if (message.held) machine_.act(message.id, Action::release);
  for (int hour = 1; machine_.totals().messages > 0 && hour < 20; ++hour) run_until(clock_.steady() + 1h);
  recovery_ = clock_.steady() - begin;
  if (const auto left = machine_.totals().messages; left > 0)
    journal_.violation(fmt::format("{} messages are still queued {} h after everything is well", left, (clock_.steady() - begin) / 1h));
}

Report Run::run() {
  const SteadyTime begin = begin_;
  const Duration length = scale_.hours ? 6h : Duration(days(dice_.between(2, 9)));
  jumps_ = !scale_.hours && dice_.chance(15);
  // the longest step, up to a tenth later; and what the clock may be set back
  ledger_.set_rules({most_attempts(settings_), jumps_, settings_.retry.back() * 11 / 10 + (jumps_ ? Duration(3h) : 0h)});
  if (settings_.window >= 100) ledger_.expect_prompt(std::string(Landscape::kSteady), 2min);
  machine_.start();
  const std::uint64_t before = machine_.writes();
  if (scale_.cut_at > 0) machine_.fail_soon(scale_.cut_at, scale_.cut_at % 2 == 0);
  plan_mail(begin, begin + length * 2 / 3);
  plan_trouble(begin, begin + length);
  run_until(begin + length);
  end_run();
  writes_ = machine_.writes() - before;
  restart();
  run_until(clock_.steady() + 1min);
  ledger_.settle(machine_.mailboxes());
  machine_.expect_nothing_left(cuts_ > 0);
  machine_.stop();
  run_machine_until(clock_.steady() + 3h);
  if (network_.tasks().running() != 0) journal_.violation("a connection does not end");
  return report();
}

Report Run::report() const {
  return {journal_.violations(),    ledger_.totals(), journal_.hash(), journal_.lines(), cuts_, starts_,
          clock_.steady() - begin_, writes_,          recovery_};
}

}  // namespace

Report simulate(std::uint64_t seed, Scale scale) {
  auto run = std::make_unique<Run>(seed, scale);
  try {
    return run->run();
  } catch (const Stuck&) {
    return run.release()->report();
  }
}

}  // namespace godwit::simulation
