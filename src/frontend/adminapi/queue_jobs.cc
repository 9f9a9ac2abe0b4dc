#include "frontend/adminapi/queue_jobs.h"

#include <algorithm>

#include "base/log.h"
#include "edge/net/task_group.h"
#include "frontend/adminapi/queue_call.h"

namespace godwit::adminapi {
namespace {

using queue::Rule;

constexpr std::size_t kWorkers = 64;     // messages at a time: their writes share a sync
constexpr std::size_t kRemembered = 20;  // actions that are over
constexpr Duration kAgain = std::chrono::seconds(1);
constexpr int kPasses = 600;  // whoever is being tried has come back by then

struct Job {
  Rule rule;
  std::vector<Meant> left;
  std::size_t next = 0;
  std::vector<Meant> again;  // could not be done now
  std::size_t workers = 0;
  Progress progress;
  Resume<bool> waiter;
};

bool stops(const Context& context) {
  return (context.stopping && context.stopping()) || (context.tasks != nullptr && context.tasks->stopping());
}

Task<> one(Context& context, std::shared_ptr<Job> job, Meant meant) {
  if (!meant.sure) {
    const auto message = co_await context.queue.load(meant.id);
    if (!message) {
      job->again.push_back(meant);
      co_return;
    }
    if (!*message || !job->rule.filter.matches(**message)) {
      --job->progress.of;
      co_return;
    }
  }
  Rule rule = job->rule;
  const auto done = co_await act_on(context, meant.id, std::move(rule), true);
  if (!done)
    job->again.push_back(meant);
  else if (*done)
    ++job->progress.done;
  else
    --job->progress.of;
}

Task<> work(Context& context, std::shared_ptr<Job> job) {
  while (job->next < job->left.size() && !stops(context)) {
    const Meant meant = job->left[job->next++];
    co_await one(context, job, meant);
    if (job->next % 256 == 0) context.jobs->set(job->rule.number, job->progress);
  }
  if (--job->workers == 0 && job->waiter) std::exchange(job->waiter, {})(true);
}

// The workers are all on this loop.
Task<> pass(Context& context, std::shared_ptr<Job> job) {
  const auto executor = co_await this_executor();
  job->next = 0;
  job->workers = context.tasks ? kWorkers : 1;
  if (!context.tasks) {
    co_await work(context, job);
    co_return;
  }
  for (std::size_t i = 0; i < kWorkers; ++i) net::spawn(executor, *context.tasks, "queue action", work(context, job));
  if (job->workers == 0) co_return;
  co_await suspend<bool>([&job](Resume<bool> resume) { job->waiter = std::move(resume); });
}

Task<> wait_for_cards(Context& context) {
  while (!stops(context)) {
    const bool complete = co_await catalogue_is_complete(context);
    if (complete) co_return;
    co_await context.clock.sleep(kAgain);
  }
}

}  // namespace

std::shared_ptr<Jobs> make_jobs() { return std::make_shared<Jobs>(); }

Progress Jobs::progress(std::uint64_t number) const {
  const std::lock_guard lock(mutex_);
  const auto found = all_.find(number);
  return found == all_.end() ? Progress{} : found->second;
}

void Jobs::set(std::uint64_t number, Progress progress) {
  const std::lock_guard lock(mutex_);
  all_[number] = progress;
  for (auto each = all_.begin(); all_.size() > kRemembered && each != all_.end();)
    each = each->second.over ? all_.erase(each) : std::next(each);
}

std::string_view to_text(Rule::Action action) {
  switch (action) {
    case Rule::Action::none: return "none";
    case Rule::Action::retry: return "retry";
    case Rule::Action::hold: return "hold";
    case Rule::Action::release: return "release";
    case Rule::Action::drop: return "drop";
    case Rule::Action::reroute: return "reroute";
  }
  return "none";
}

Task<Result<bool>> act_on(Context& context, MessageId id, Rule rule, bool many) {
  using Action = scheduler::Scheduler::Action;
  using Change = scheduler::Scheduler::Change;
  std::string why = rule.why.empty() ? "by the administrator" : rule.why;
  Change change;
  switch (rule.action) {
    case Rule::Action::retry:
      if (!many) co_return co_await context.act(id, Action::retry, std::move(why));
      change.what = Change::What::retry;
      break;
    case Rule::Action::release:
      if (!many) co_return co_await context.act(id, Action::release, std::move(why));
      change.what = Change::What::release;
      break;
    case Rule::Action::hold: co_return co_await context.act(id, Action::hold, std::move(why));
    case Rule::Action::drop: co_return co_await context.act(id, Action::drop, std::move(why));
    case Rule::Action::reroute: change.what = Change::What::reroute; break;
    case Rule::Action::none: co_return false;
  }
  change.next_hop = std::move(rule.next_hop);
  change.recipients = std::move(rule.filter);
  change.why = std::move(why);
  co_return co_await context.change(id, std::move(change));
}

Task<> carry_out(Context& context, Rule rule) {
  co_await wait_for_cards(context);
  auto job = std::make_shared<Job>();
  job->rule = rule;
  queue::Filter filter = rule.filter;
  job->left = co_await find_cards(context, std::move(filter));
  std::erase_if(job->left, [&](const Meant& meant) { return meant.id > rule.up_to; });
  job->progress.of = job->left.size();
  for (int passes = 0; passes < kPasses && !job->left.empty() && !stops(context); ++passes) {
    if (passes > 0) co_await context.clock.sleep(kAgain);
    co_await pass(context, job);
    if (stops(context)) break;
    job->left = std::exchange(job->again, {});
    context.jobs->set(rule.number, job->progress);
  }
  if (stops(context)) co_return;  // its rule says what is left to do
  job->progress.failed = job->left.size();
  job->progress.over = true;
  context.jobs->set(rule.number, job->progress);
  const auto removed = co_await context.queue.remove_rule(rule.number);
  if (!removed) log::error("rule_not_removed", {{"number", rule.number}, {"error", removed.error().text}});
  if (context.rules_changed) context.rules_changed();
  const std::string what = rule.text();
  log::info("action_done",
            {{"action", to_text(rule.action)}, {"what", what}, {"messages", job->progress.done}, {"failed", job->progress.failed}});
}

void resume_actions(Context& context, const Executor& executor) {
  if (!context.tasks) return;
  const auto rules = context.queue.rules();
  for (const Rule& rule : rules->all())
    if (rule.kind == Rule::Kind::action) net::spawn(executor, *context.tasks, "queue action", carry_out(context, rule));
}

}  // namespace godwit::adminapi
