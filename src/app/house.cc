#include "app/house.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "app/data_directory.h"
#include "app/outlets.h"
#include "app/outward.h"
#include "base/blocking_pool.h"
#include "base/log.h"
#include "edge/store/rocksdb_engine.h"
#include "edge/store/segments.h"
#include "edge/store/space_guard.h"
#include "frontend/imapd/capabilities.h"
#include "service/events/report.h"
#include "service/intake/bursts.h"
#include "service/intake/own_mail.h"
#include "service/scheduler/scheduler.h"
#include "state/queue/blob_owners.h"

namespace godwit::app {
namespace {

using namespace std::chrono_literals;
constexpr Duration kMaintainEvery = 5s;  // recycling and compaction of segments
constexpr Duration kSaveHabitsEvery = 10min;
constexpr Duration kAfterCut = 2s;  // to write down what came of it, and the trace

std::string rows_path(const Config& config) { return config.data_dir + "/rows"; }

std::shared_ptr<const intake::Settings> intake_settings(const Config& config) {
  auto settings = std::make_shared<intake::Settings>();
  settings->hostname = config.hostname;
  settings->max_message_size = config.max_message_size;
  settings->max_recipients = config.max_recipients;
  settings->max_recipients_anyone = config.limits.recipients_anyone;
  settings->quota = {config.mailbox_quota, config.mailbox_quota_messages};
  settings->priorities = config.priorities;
  return settings;
}

// Twice what the connections of a site carry, so that they never wait for the scheduler; at least some dozens.
std::size_t site_backlog(const Config& config) {
  std::size_t connections = config.connections_per_site;
  for (const outbound::SiteRule& rule : config.sites) connections = std::max(connections, rule.connections.value_or(0));
  for (const outbound::SiteRule& rule : outbound::shipped_site_rules()) connections = std::max(connections, rule.connections.value_or(0));
  return std::max<std::size_t>(64, connections * 2);
}

std::shared_ptr<const scheduler::Settings> scheduler_settings(const Config& config) {
  auto settings = std::make_shared<scheduler::Settings>();
  settings->hostname = config.hostname;
  settings->retry = config.retry;
  settings->expire = config.expire;
  settings->delay_notice = config.delay_notice;
  settings->shares = config.shares;
  settings->site_backlog = site_backlog(config);
  settings->texts = config.dsn_texts;
  return settings;
}

std::shared_ptr<const intake::BurstSettings> burst_settings(const Config& config) {
  auto settings = std::make_shared<intake::BurstSettings>();
  settings->factor = config.limits.burst_factor;
  settings->recipients = config.limits.burst_recipients;
  settings->exempt = config.allow;
  settings->exempt.insert(settings->exempt.end(), config.relay_from.begin(), config.relay_from.end());
  return settings;
}

}  // namespace

struct House::Impl {
  Impl(const Config& settings, net::LoopPool& pool_of_loops, bool without_delivery, Surroundings surroundings)
      : config(settings),
        loops(pool_of_loops),
        offline(without_delivery),
        around(std::move(surroundings)),
        blocking(std::max(2u, std::thread::hardware_concurrency()) + 2),
        disk(around.disk ? around.disk : store::make_posix_disk()) {}

  const Config config;
  net::LoopPool& loops;
  const bool offline;
  const Surroundings around;
  bool started = false;

  std::unique_ptr<DirectoryLock> lock;
  std::unique_ptr<Clock> clock = make_system_clock();
  std::unique_ptr<Random> random = make_system_random();
  net::TaskGroup tasks;
  net::TaskGroup calls;  // of run(), which waits for `tasks` too
  BlockingPool blocking;
  std::shared_ptr<store::Disk> disk;
  std::shared_ptr<store::SpaceGuard> space;
  std::unique_ptr<store::RocksDbEngine> engine;
  std::unique_ptr<store::Segments> blobs;
  std::unique_ptr<queue::BlobOwners> owners;
  std::unique_ptr<directory::Directory> directory;
  std::unique_ptr<mailbox::Mailboxes> mailboxes;
  std::unique_ptr<queue::Queue> queue;
  std::unique_ptr<trace::Trace> trace;
  std::unique_ptr<Outlets> outlets;
  std::unique_ptr<intake::Bursts> bursts;
  std::unique_ptr<Outward> outward;
  std::unique_ptr<intake::Intake> intake;
  std::vector<std::unique_ptr<scheduler::Scheduler>> schedulers;
  std::unique_ptr<adminapi::Context> admin;

  Current<intake::Settings> for_intake;
  Current<scheduler::Settings> for_scheduler;
  Current<intake::BurstSettings> for_bursts;
  Current<routing::Router> router;

  Result<void> open_store();
  Result<void> open_state();
  Result<void> set_settings(const Config& settings);
  void alert_of(const std::string& account, const std::string& why);
  void save_habits();
  void make_services();
  void make_admin();
  scheduler::Scheduler& scheduler_of(MessageId id) { return *schedulers[id.shard() % loops.size()]; }
  Task<> maintain();
};

Result<void> House::Impl::open_store() {
  GODWIT_ASSIGN(lock, DirectoryLock::take(config.data_dir));
  space = std::make_shared<store::SpaceGuard>(store::make_posix_space(config.data_dir), config.store_min_free);
  store::RocksDbSettings rows;
  rows.path = rows_path(config);
  rows.space = space;
  if (around.file_system) {
    rows.file_system = around.file_system;
    rows.disk = disk;
  }
  rows.on_fatal = around.on_fatal;
  GODWIT_ASSIGN(engine, store::RocksDbEngine::open(std::move(rows), blocking));
  store::SegmentSettings bytes;
  bytes.directory = config.data_dir + "/segments";
  bytes.segment_bytes = around.segment_bytes;
  bytes.chunk_bytes = around.chunk_bytes;
  if (around.on_fatal) bytes.fatal = [on_fatal = around.on_fatal](const Error& error) { on_fatal(error.text); };
  GODWIT_ASSIGN(blobs, store::open_segments(std::move(bytes), *disk, *engine, blocking, *clock, space.get()));
  for (const store::BlobDamage& damage : blobs->damage())
    log::write(damage.acknowledged ? log::Level::error : log::Level::warning, "segment_damage",
               {{"where", damage.where}, {"what", damage.what}, {"blob", damage.id.text()}, {"was_acknowledged", damage.acknowledged}});
  owners = std::make_unique<queue::BlobOwners>(*engine);
  blobs->set_owners(owners.get());
  return {};
}

Result<void> House::Impl::open_state() {
  directory = std::make_unique<directory::Directory>(*engine, blocking, *clock, *random, config.limits.password_checks);
  mailboxes = std::make_unique<mailbox::Mailboxes>(*engine, *blobs, *clock, *random);
  queue = std::make_unique<queue::Queue>(*engine, *blobs, *clock);
  trace::Settings stories;
  stories.directory = config.data_dir + "/trace";
  stories.keep = config.trace_keep;
  stories.max_bytes = config.trace_max;
  GODWIT_ASSIGN(trace, trace::open_trace(std::move(stories), *disk, blocking, *clock));
  if (offline) {
    outlets = Outlets::none();
  } else {
    GODWIT_ASSIGN(outlets, Outlets::open(config, {loops, tasks, *disk, blocking, *clock, *random}));
  }
  bursts = std::make_unique<intake::Bursts>(
      *queue, *clock, [this] { return for_bursts.get(); },
      [this](const std::string& account, const std::string& why) { alert_of(account, why); });
  bursts->load(*disk, config.data_dir + "/habits");
  GODWIT_ASSIGN(outward, Outward::create(config, {loops, tasks, *blobs, *trace, *clock, *random, around.resolver, &blocking}));
  return set_settings(config);
}

Result<void> House::Impl::set_settings(const Config& settings) {
  GODWIT_ASSIGN(auto routes, routing::Router::create(settings.routes, *directory, {settings.address_literals}));
  router.set(std::move(routes));
  for_intake.set(intake_settings(settings));
  for_scheduler.set(scheduler_settings(settings));
  for_bursts.set(burst_settings(settings));
  outward->set_settings(settings);
  return {};
}

namespace {

// RFC 5321 4.5.1: somebody reads the postmaster's mail.
Task<> mail_alert(intake::Intake& intake, std::string hostname, std::string account, std::string why, WallTime now) {
  const auto address = smtp::parse_address(account);
  const auto postmaster = smtp::parse_address(fmt::format("postmaster@{}", address ? address->domain.text() : hostname));
  if (!postmaster) co_return;
  intake::OwnMail mail;
  mail.session = "alert";
  mail.helo = hostname;
  mail.to = *postmaster;
  mail.eight_bit = mail.smtputf8 = !address || !address->is_ascii();
  mail.bytes = fmt::format(
      "From: Mail server <postmaster@{0}>\r\nTo: {1}\r\nSubject: {2} is held: it sends far more than it ever did\r\nDate: {3}\r\n"
      "Message-ID: <{4}.alert@{0}>\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; "
      "charset=utf-8\r\n\r\n"
      "{5}.\r\n\r\nIts new mail is accepted, and held in the queue. Look at it:\r\n\r\n    godwit queue list --sender {2} --held\r\n\r\n"
      "If it is what it should be, let it go:\r\n\r\n    godwit account release {2}\r\n\r\n"
      "If not, change the password and throw the mail away:\r\n\r\n    godwit account passwd {2}\r\n    godwit account purge {2}\r\n    "
      "godwit account release {2}\r\n",
      hostname, postmaster->text(), account, format_rfc5322(now), now.time_since_epoch().count(), why);
  const smtp::Reply reply = co_await intake::hand_in(intake, std::move(mail));
  if (reply.code != 250) log::warning("alert_not_mailed", {{"account", account}, {"reply", reply.text}});
}

}  // namespace

void House::Impl::alert_of(const std::string& account, const std::string& why) {
  events::report_alert(outlets->stream(), "account_held", account, why);
  net::spawn(loops.executor(0), tasks, "alert", mail_alert(*intake, config.hostname, account, why, clock->now()));
}

void House::Impl::save_habits() {
  if (const auto saved = bursts->save(*disk, config.data_dir + "/habits"); !saved)
    log::warning("habits_not_saved", {{"error", saved.error().text}});
}

void House::Impl::make_services() {
  auto current_router = [this] { return router.get(); };
  intake::Context doors{*directory,
                        *queue,
                        *blobs,
                        *trace,
                        *clock,
                        *random,
                        current_router,
                        [this] { return loops.current(); },
                        [this] { return for_intake.get(); },
                        [this](queue::Message message) {
                          if (!offline) scheduler_of(message.id).accepted(std::move(message));
                        },
                        mailboxes.get(),
                        outlets->stream(),
                        bursts.get()};
  intake = intake::make_intake(std::move(doors));
  for (std::size_t loop = 0; loop < loops.size(); ++loop) {
    scheduler::Context way_out{*queue,
                               *mailboxes,
                               *blobs,
                               *trace,
                               *intake,
                               *clock,
                               *random,
                               tasks,
                               loops.executor(loop),
                               loop,
                               loops.size(),
                               current_router,
                               outward->mx_sites(loop),
                               [this] { return for_scheduler.get(); },
                               [this, loop](outbound::Job job) { outward->offer(loop, std::move(job)); },
                               outlets->stream()};
    schedulers.push_back(scheduler::make_scheduler(std::move(way_out)));
  }
}

namespace {

Task<Result<bool>> act_on_loop(scheduler::Scheduler& scheduler, MessageId id, scheduler::Scheduler::Action action, std::string why) {
  co_return co_await scheduler.act(id, action, std::move(why));
}

Task<> act_and_resume(scheduler::Scheduler& scheduler, MessageId id, scheduler::Scheduler::Action action, std::string why,
                      Resume<Result<bool>> resume) {
  auto done = co_await act_on_loop(scheduler, id, action, std::move(why));
  resume(std::move(done));
}

Task<Result<bool>> act_from_anywhere(Executor home, net::TaskGroup& tasks, scheduler::Scheduler& scheduler, MessageId id,
                                     scheduler::Scheduler::Action action, std::string why) {
  auto start = [&](Resume<Result<bool>> resume) {
    net::spawn(home, tasks, "queue_action", act_and_resume(scheduler, id, action, std::move(why), std::move(resume)));
  };
  co_return co_await suspend<Result<bool>>(std::move(start));
}

using Change = scheduler::Scheduler::Change;

Task<> change_and_resume(scheduler::Scheduler& scheduler, MessageId id, Change change, Resume<Result<bool>> resume) {
  auto done = co_await scheduler.change(id, std::move(change));
  resume(std::move(done));
}

Task<Result<bool>> change_from_anywhere(Executor home, net::TaskGroup& tasks, scheduler::Scheduler& scheduler, MessageId id,
                                        Change change) {
  auto start = [&](Resume<Result<bool>> resume) {
    net::spawn(home, tasks, "queue_action", change_and_resume(scheduler, id, std::move(change), std::move(resume)));
  };
  co_return co_await suspend<Result<bool>>(std::move(start));
}

using Since = std::vector<std::optional<WallTime>>;
using Schedulers = std::vector<std::unique_ptr<scheduler::Scheduler>>;

// Asks the schedulers loop by loop; the answers in the order of `ids`.
Task<Since> attempting_since(net::LoopPool& loops, Schedulers& schedulers, std::vector<MessageId> ids) {
  Since all(ids.size());
  for (std::size_t loop = 0; loop < schedulers.size(); ++loop) {
    auto start = [&](Resume<bool> resume) {
      post(loops.executor(loop), [&, loop, resume = std::move(resume)]() mutable {
        for (std::size_t i = 0; i < ids.size(); ++i)
          if (ids[i].shard() % schedulers.size() == loop) all[i] = schedulers[loop]->attempting_since(ids[i]);
        resume(true);
      });
    };
    ignore(co_await suspend<bool>(std::move(start)), "only tells that it has run");
  }
  co_return all;
}

Task<Result<void>> settle_appends(directory::Directory& directory, mailbox::Mailboxes& mailboxes) {
  GODWIT_CO_ASSIGN(const auto accounts, co_await directory.list_accounts(std::nullopt));
  std::vector<directory::AccountId> ids;
  for (const auto& account : accounts) ids.push_back(account.id);
  ignore(co_await mailboxes.settle_appends(std::move(ids)), "those that failed are tried again when they are opened");
  co_return Result<void>{};
}

// What an earlier run left to be applied in other partitions, and what is left of removed accounts.
Task<> apply_outboxes(directory::Directory& directory, mailbox::Mailboxes& mailboxes) {
  std::vector<directory::AccountId> ids;
  const auto accounts = co_await directory.list_accounts(std::nullopt);
  if (accounts)
    for (const auto& account : *accounts) ids.push_back(account.id);
  const auto removals = co_await directory.list_removals();
  if (removals) ids.insert(ids.end(), removals->begin(), removals->end());
  if (!accounts || !removals) log::error("outboxes_unread", {{"error", (accounts ? removals.error() : accounts.error()).text}});
  const std::size_t failed = co_await mailboxes.apply_outboxes(std::move(ids));
  if (failed > 0) log::warning("outboxes_left", {{"accounts", failed}});
}

Task<Result<void>> drain_loop(std::function<void()> work, Executor home) {
  auto start = [&](Resume<bool> resume) {
    post(home, [work = std::move(work), resume = std::move(resume)]() mutable {
      work();
      resume(true);
    });
  };
  ignore(co_await suspend<bool>(std::move(start)), "only tells that it has run");
  co_return Result<void>{};
}

}  // namespace

void House::Impl::make_admin() {
  using Action = scheduler::Scheduler::Action;
  auto act = [this](MessageId id, Action action, std::string why) {
    if (action == Action::retry || action == Action::release) outward->probe_now();
    return act_from_anywhere(loops.executor(id.shard() % loops.size()), tasks, scheduler_of(id), id, action, std::move(why));
  };
  admin = std::make_unique<adminapi::Context>(adminapi::Context{*directory, *mailboxes, *queue, *engine, *blobs, *trace, *clock, act,
                                                                [this] { return engine->verify(); }, [this] { return outward->sites(); }});
  admin->attempting_since = [this](std::vector<MessageId> ids) { return attempting_since(loops, schedulers, std::move(ids)); };
  admin->read_imap_without = imapd::read_without;
  admin->change = [this](MessageId id, Change change) {
    return change_from_anywhere(loops.executor(id.shard() % loops.size()), tasks, scheduler_of(id), id, std::move(change));
  };
  admin->forgive = [this](std::string account) { return bursts->forgive(std::move(account)); };
  admin->events = outlets->stream();
  admin->event_sinks = [this] { return outlets->status(); };
  admin->blocking = &blocking;
  if (offline) return;
  admin->tasks = &tasks;
  admin->executor_of = [this](std::size_t loop) { return loops.executor(loop); };
  admin->rules_changed = [this] {
    for (std::size_t loop = 0; loop < loops.size(); ++loop)
      post(loops.executor(loop), [scheduler = schedulers[loop].get()] { scheduler->rules_changed(); });
  };
}

Task<> House::Impl::maintain() {
  SteadyTime next_save = clock->steady() + kSaveHabitsEvery;
  auto executor = co_await this_executor();
  auto timer = clock->make_timer(executor);
  const net::TaskGroup::OnStop on_stop(tasks, executor, [&timer] { timer->wake(); });
  while (!tasks.stopping()) {
    co_await blobs->maintain();
    if (tasks.stopping()) break;
    if (clock->steady() >= next_save) {
      co_await blocking.run([this] {
        save_habits();
        return true;
      });
      next_save = clock->steady() + kSaveHabitsEvery;
    }
    co_await timer->wait_until(clock->steady() + kMaintainEvery);
  }
}

namespace {

Result<std::vector<std::string>> salvage_rows(const Config& config) {
  GODWIT_ASSIGN(const auto lock, DirectoryLock::take(config.data_dir));
  store::RocksDbSettings rows;
  rows.path = rows_path(config);
  return store::repair_rocksdb(rows);
}

// Rows that count may be among the lost ones; then says what is left of each account.
Task<Result<std::vector<std::string>>> rebuild_accounts(directory::Directory& directory, mailbox::Mailboxes& mailboxes) {
  std::vector<std::string> lines;
  GODWIT_CO_ASSIGN(const auto accounts, co_await directory.list_accounts(std::nullopt));
  for (const auto& account : accounts) {
    auto say = [&](std::string_view what) { lines.push_back(fmt::format("{}: {}", account.address.text(), what)); };
    auto found = co_await mailboxes.rebuild(account.id);
    if (found) {
      for (const auto& change : *found) say(change + "; rebuilt");
      found = co_await mailboxes.verify(account.id);
    }
    const auto inbox = co_await mailboxes.snapshot(account.id, mailbox::kInbox);
    if (inbox) say(fmt::format("{} messages are left", inbox->messages.size()));
    if (!found || !inbox) {
      say((found ? inbox.error() : found.error()).text);
      continue;
    }
    for (const auto& finding : *found) say(finding);
  }
  co_return lines;
}

}  // namespace

Result<std::vector<std::string>> repair_store(const Config& config) {
  GODWIT_ASSIGN(auto lines, salvage_rows(config));
  if (lines.empty()) return lines;
  net::LoopPool loops(1);
  const auto house = House::open(config, loops, true);
  if (!house) {
    lines.push_back(fmt::format("the accounts could not be looked at: {}", house.error().text));
    return lines;
  }
  auto told = (*house)->run(rebuild_accounts((*house)->directory(), (*house)->mailboxes()));
  if (told)
    lines.insert(lines.end(), told->begin(), told->end());
  else
    lines.push_back(fmt::format("the accounts could not be looked at: {}", told.error().text));
  ignore((*house)->close(0ms), "nothing is delivered offline");
  return lines;
}

House::House(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
House::~House() { ignore(close(0ms), "nobody is left who could be told"); }

Result<std::unique_ptr<House>> House::open(const Config& config, net::LoopPool& loops, bool offline, Surroundings around) {
  auto impl = std::make_unique<Impl>(config, loops, offline, std::move(around));
  GODWIT_TRY(impl->open_store());
  GODWIT_TRY(impl->open_state());
  std::unique_ptr<House> house(new House(std::move(impl)));
  Impl& open = *house->impl_;
  open.make_services();
  loops.run();
  open.started = true;
  GODWIT_TRY(house->run(settle_appends(*open.directory, *open.mailboxes)));
  GODWIT_TRY(house->run(open.queue->open(loops.size(), config.data_dir + "/crash")));
  open.make_admin();
  return house;
}

void House::start() {
  impl_->outlets->tell_again(*impl_->queue);
  if (const auto set = impl_->outlets->set(impl_->config); !set) log::error("events_not_sent", {{"error", set.error().text}});
  for (std::size_t loop = 0; loop < impl_->loops.size(); ++loop)
    post(impl_->loops.executor(loop), [scheduler = impl_->schedulers[loop].get()] { scheduler->start(); });
  net::spawn(impl_->loops.executor(0), impl_->tasks, "outboxes", apply_outboxes(*impl_->directory, *impl_->mailboxes));
  net::spawn(impl_->loops.executor(0), impl_->tasks, "maintain", impl_->maintain());
  adminapi::resume_actions(*impl_->admin, impl_->loops.executor(0));
}

Result<void> House::reload(const Config& config) {
  GODWIT_TRY(impl_->set_settings(config));
  return impl_->outlets->set(config);
}

bool House::close(Duration patience) {
  if (!impl_->started) return true;
  impl_->started = false;
  for (std::size_t loop = 0; loop < impl_->loops.size(); ++loop) {
    auto drain = [this, loop] {
      impl_->schedulers[loop]->drain();
      impl_->outward->drain(loop);
    };
    ignore(run(drain_loop(drain, impl_->loops.executor(loop))), "draining cannot fail");
  }
  impl_->outward->stop_resolver();  // after the schedulers know: a look-up that ends now is no failure of the DNS
  impl_->tasks.stop();
  bool ended = run(impl_->tasks.wait(*impl_->clock, patience));
  if (!ended) {
    impl_->tasks.cut();
    ended = run(impl_->tasks.wait(*impl_->clock, kAfterCut));
  }
  if (!ended) log::warning("ended_with_work_under_way", {{"tasks", impl_->tasks.running()}});
  impl_->trace->stop();
  impl_->outlets->stop();
  impl_->save_habits();
  impl_->loops.stop();
  return ended;
}

void House::run_task(Task<> task) { net::spawn(impl_->loops.executor(0), impl_->calls, "main", std::move(task)); }

// The value is there a moment before its coroutine has ended; what it refers to may go only then.
void House::settle() {
  while (impl_->calls.running() > 0) std::this_thread::yield();
}

adminapi::Context& House::admin() { return *impl_->admin; }
intake::Intake& House::intake() { return *impl_->intake; }
directory::Directory& House::directory() { return *impl_->directory; }
mailbox::Mailboxes& House::mailboxes() { return *impl_->mailboxes; }
store::Blobs& House::blobs() { return *impl_->blobs; }
Clock& House::clock() { return *impl_->clock; }
Random& House::random() { return *impl_->random; }
BlockingPool& House::blocking() { return impl_->blocking; }
net::TaskGroup& House::tasks() { return impl_->tasks; }

}  // namespace godwit::app
