#pragma once
// For tests: the whole way of a message from accept to the mailbox or a site, with real queue, directory, mailboxes, router and
// intake on the memory engine; only the sites are fakes. Restarted at will.

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/blocking_pool.h"
#include "service/scheduler/scheduler.h"
#include "state/queue/queue_fixture.h"
#include "testing/fake_resolver.h"
#include "testing/seeded_random.h"

namespace godwit::scheduler {

using queue::Outcome;
using queue::testing::address;

// Remembers every event.
class RecordingTrace final : public trace::Trace {
 public:
  void keys(MessageId, trace::Keys) override {}
  void add(MessageId id, std::string_view kind, std::string detail) override {
    all.push_back({id, {{}, std::string(kind), std::move(detail)}});
  }
  void finish(MessageId) override {}
  Task<Result<std::vector<trace::Event>>> events(MessageId) override { co_return std::vector<trace::Event>(); }
  Task<Result<std::vector<MessageId>>> find(std::string, std::size_t) override { co_return std::vector<MessageId>(); }
  void stop() override {}

  std::size_t count(std::string_view kind) const {
    return static_cast<std::size_t>(std::ranges::count_if(all, [&](const auto& each) { return each.second.kind == kind; }));
  }
  std::string last(std::string_view kind) const {
    for (auto each = all.rbegin(); each != all.rend(); ++each)
      if (each->second.kind == kind) return each->second.detail;
    return "none";
  }

  std::vector<std::pair<MessageId, trace::Event>> all;
};

inline Outcome took() {
  return {Outcome::Kind::delivered, {2, 0, 0}, "the next server has taken it", "mx.far.test [192.0.2.1]:25", "250 2.0.0 ok", false};
}
inline Outcome later() {
  return {Outcome::Kind::deferred,      {4, 2, 0},         "the server refused the recipient for now",
          "mx.far.test [192.0.2.1]:25", "451 4.2.0 later", false};
}
inline Outcome never() {
  return {Outcome::Kind::bounced,   {5, 1, 1}, "the server refused the recipient", "mx.far.test [192.0.2.1]:25",
          "550 5.1.1 No such user", false};
}
inline Outcome down() { return {Outcome::Kind::deferred, {4, 4, 1}, "connection refused", "mx.far.test [192.0.2.1]:25", "", true}; }

// Sites that answer as a test says: at once (on the next turn of the loop), or when it lets go.
class FakeSites {
 public:
  struct Attempt {
    WallTime time;
    std::string site;
    MessageId message;
    std::string recipient;
    Outcome::Kind kind;
  };

  explicit FakeSites(godwit::testing::TestLoop& loop) : loop_(loop) {}

  void offer(outbound::Job job) {
    ++jobs;
    most_at_once = std::max(most_at_once, ++out_);
    if (held_.contains(job.site->hops[0].host))
      waiting_.push_back(std::move(job));
    else
      post(loop_.executor(), [this, job = std::move(job)] { answer(job); });
  }

  void answers(std::string host, std::function<Outcome(const std::string& recipient)> how) { how_[std::move(host)] = std::move(how); }
  void hold(const std::string& host) { held_.insert(host); }
  void let_go(std::size_t most = SIZE_MAX) {
    if (most == SIZE_MAX) held_.clear();
    for (; most > 0 && !waiting_.empty(); --most) {
      const outbound::Job job = std::move(waiting_.front());
      waiting_.pop_front();
      answer(job);
    }
  }
  // As Outbound::drain(): jobs not begun come back.
  void give_back() {
    for (auto& job : std::exchange(waiting_, {})) {
      --out_;
      job.done(std::vector<Outcome>(job.recipients.size(), down()));
    }
  }
  std::size_t waiting() const { return waiting_.size(); }

  std::vector<Attempt> attempts;
  std::size_t jobs = 0;
  std::size_t most_at_once = 0;

  std::size_t deliveries(MessageId message, const std::string& recipient) const {
    return static_cast<std::size_t>(std::ranges::count_if(attempts, [&](const Attempt& each) {
      return each.message == message && each.recipient == recipient && each.kind == Outcome::Kind::delivered;
    }));
  }
  std::size_t delivered() const { return static_cast<std::size_t>(std::ranges::count(attempts, Outcome::Kind::delivered, &Attempt::kind)); }

 private:
  void answer(const outbound::Job& job) {
    std::vector<Outcome> outcomes;
    const auto how = how_.find(job.site->hops[0].host);
    for (const std::size_t index : job.recipients) {
      const std::string rcpt = job.message->recipients[index].address.text();
      outcomes.push_back(how == how_.end() ? took() : how->second(rcpt));
      attempts.push_back({loop_.clock().now(), job.site->hops[0].host, job.message->id, rcpt, outcomes.back().kind});
    }
    --out_;
    job.done(std::move(outcomes));
  }

  godwit::testing::TestLoop& loop_;
  std::map<std::string, std::function<Outcome(const std::string&)>> how_;
  std::set<std::string> held_;
  std::deque<outbound::Job> waiting_;
  std::size_t out_ = 0;
};

class SchedulerFixture : public queue::testing::QueueFixture {
 public:
  SchedulerFixture() {
    settings.hostname = "mx1.local.test";
    for (const int minutes : {1, 5, 15, 30, 60, 120, 240}) settings.retry.push_back(std::chrono::minutes(minutes));
    make_directory();
    loop.run(make_accounts(*directory));
    start();
  }
  ~SchedulerFixture() override { stop(); }

  void expect_queue_empty() {
    using store::Keyspace;
    EXPECT_EQ(queue->totals().messages, 0u);
    EXPECT_EQ(queue->totals().recipients, 0u);
    for (const Keyspace keyspace : {Keyspace::fresh, Keyspace::waiting, Keyspace::due}) EXPECT_EQ(engine.rows(keyspace), 0u);
  }

  static Task<> make_accounts(directory::Directory& into) {
    const auto domain = co_await into.add_domain(*smtp::parse_domain("local.test"));
    EXPECT_TRUE(domain);
    for (const std::string_view name : {"anna@local.test", "bert@local.test"}) {
      const auto account = co_await into.add_account(address(name), "a long enough password");
      EXPECT_TRUE(account) << account.error().text;
    }
  }

  void make_directory() {
    directory = std::make_unique<directory::Directory>(engine, pool, loop.clock(), random);
    mailboxes = std::make_unique<mailbox::Mailboxes>(engine, blobs, loop.clock(), random);
    set_routes(routes);
  }

  void set_routes(std::vector<routing::Route> to) {
    routes = std::move(to);
    auto made = routing::Router::create(routes, *directory);
    ASSERT_TRUE(made) << made.error().text;
    router = *made;
  }

  void start() {
    tasks = std::make_unique<net::TaskGroup>();
    intake::Context doors{*directory,
                          *queue,
                          blobs,
                          trace,
                          loop.clock(),
                          random,
                          [this] { return router; },
                          [] { return std::size_t{0}; },
                          [this] { return std::make_shared<const intake::Settings>(intake_settings); },
                          [this](queue::Message message) { scheduler->accepted(std::move(message)); }};
    intake_settings.hostname = settings.hostname;
    intake = intake::make_intake(std::move(doors));
    mx = std::make_unique<routing::MxSites>(dns, loop.clock(), random, [this] { return mx_settings; });
    Context context{*queue,
                    *mailboxes,
                    blobs,
                    trace,
                    *intake,
                    loop.clock(),
                    random,
                    *tasks,
                    loop.executor(),
                    0,
                    1,
                    [this] { return router; },
                    *mx,
                    [this] { return std::make_shared<const Settings>(settings); },
                    [this](outbound::Job job) { offer(std::move(job)); }};
    scheduler = make_scheduler(std::move(context));
    scheduler->start();
    loop.poll();
  }

  virtual void offer(outbound::Job job) { sites.offer(std::move(job)); }

  // What a SIGTERM does; also ends what a crash has left hanging.
  void stop() {
    scheduler->drain();
    sites.give_back();
    loop.poll();
    for (int i = 0; i < 100 && !(scheduler->idle() && tasks->running() == 0); ++i) loop.advance(std::chrono::seconds(1));
    EXPECT_TRUE(scheduler->idle());
    EXPECT_EQ(tasks->running(), 0u);
    scheduler.reset();
    intake.reset();
  }

  void restart() {
    stop();
    reopen();
    make_directory();
    start();
  }

  // What no sync covers is lost, or a part of it, or nothing (kill -9).
  enum class Loss : std::uint8_t { all, some, none };
  void power_cut(Loss loss = Loss::all) {
    if (loss == Loss::all) engine.crash_forgetting_all();
    if (loss == Loss::some) engine.crash_at_random(random);
    if (loss == Loss::none) engine.crash_keeping_all();
    stop();
    crash_and_open();
    make_directory();
    start();
  }

  queue::Message make(std::vector<std::string> recipients, std::string sender = "anna@local.test") {
    queue::Message result = message(0);
    result.reverse_path = sender.empty() ? smtp::ReversePath() : smtp::ReversePath(address(sender));
    for (const std::string& each : recipients) result.recipients.push_back(queue::testing::recipient(each));
    return result;
  }

  // Accepts and tells the scheduler, as intake does.
  Result<MessageId> send(queue::Message what, std::string body = "Subject: x\r\n\r\nhello\r\n") {
    auto done = loop.run(write(what, std::move(body)));
    if (!done) return std::unexpected(done.error());
    const MessageId id = what.id;
    scheduler->accepted(std::move(what));
    loop.poll();
    return id;
  }
  MessageId send(std::vector<std::string> recipients, std::string sender = "anna@local.test") {
    return *send(make(std::move(recipients), std::move(sender)));
  }

  bool act(MessageId id, Scheduler::Action action) {
    const auto done = loop.run(scheduler->act(id, action, "by a test"));
    EXPECT_TRUE(done) << done.error().text;
    loop.poll();
    return done && *done;
  }

  // Messages in INBOX, prefix and bytes.
  std::vector<std::string> inbox(std::string_view account) { return loop.run(read_inbox(*directory, *mailboxes, blobs, address(account))); }

  static Task<std::vector<std::string>> read_inbox(directory::Directory& from, mailbox::Mailboxes& boxes, store::Blobs& bytes,
                                                   smtp::Address who) {
    std::vector<std::string> texts;
    const auto account = co_await from.find_account(std::move(who));
    const auto snapshot = co_await boxes.snapshot((*account)->id, mailbox::kInbox);
    for (const mailbox::MessageInfo& info : snapshot->messages) {
      const auto email = co_await boxes.email((*account)->id, info.email);
      auto body = co_await bytes.read(email->blob, 0, email->blob_size);
      texts.push_back(email->prefix + (body ? *body : "unreadable"));
    }
    co_return texts;
  }

  BlockingPool pool{0};
  godwit::testing::SeededRandom random{7};
  Settings settings;
  intake::Settings intake_settings;
  RecordingTrace trace;
  FakeSites sites{loop};
  godwit::testing::FakeResolver dns{loop.clock()};
  std::shared_ptr<const routing::MxSites::Settings> mx_settings = std::make_shared<routing::MxSites::Settings>();
  std::vector<routing::Route> routes{{"far.test", {"smtp://far.test:25"}},
                                     {"slow.test", {"smtp://slow.test:25"}},
                                     {"dead.test", {"smtp://dead.test:25"}},
                                     {"hold.test", {"hold"}},
                                     {"reject.test", {"reject"}}};
  std::unique_ptr<directory::Directory> directory;
  std::unique_ptr<mailbox::Mailboxes> mailboxes;
  std::shared_ptr<const routing::Router> router;
  std::unique_ptr<net::TaskGroup> tasks;
  std::unique_ptr<intake::Intake> intake;
  std::unique_ptr<routing::MxSites> mx;
  std::unique_ptr<Scheduler> scheduler;
};

}  // namespace godwit::scheduler
