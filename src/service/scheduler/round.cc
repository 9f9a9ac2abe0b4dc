#include "service/scheduler/round.h"

#include <fmt/format.h>

#include <algorithm>

namespace godwit::scheduler {
namespace {

constexpr std::size_t kLocalsAtOnce = 8;

// "a@example.net, b@example.net and 3 more"
std::string names(const queue::Message& message, const std::vector<std::size_t>& recipients) {
  constexpr std::size_t kNamed = 3;
  std::string text;
  for (std::size_t i = 0; i < std::min(recipients.size(), kNamed); ++i) {
    if (i > 0) text += ", ";
    text += message.recipients[recipients[i]].address.text();
  }
  if (recipients.size() > kNamed) text += fmt::format(" and {} more", recipients.size() - kNamed);
  return text;
}

std::uint32_t attempt_number(const queue::Message& message, const std::vector<std::size_t>& recipients) {
  std::uint32_t most = 0;
  for (const std::size_t index : recipients) most = std::max(most, message.recipients[index].attempts + message.recipients[index].probes);
  return most + 1;
}

JobEnd end_of(const std::vector<queue::Outcome>& outcomes) {
  JobEnd end;
  end.down = !outcomes.empty();
  for (const queue::Outcome& outcome : outcomes) {
    if (outcome.kind != queue::Outcome::Kind::deferred || !outcome.site_down) end.down = false;
    end.again = std::max(end.again, outcome.retry_after);
    end.ours = end.ours || outcome.remote == "outbound";
  }
  return end;
}

}  // namespace

Round::Round(const Context& context, std::shared_ptr<const queue::Message> message, Plan plan)
    : context_(context), message_(std::move(message)), plan_(std::move(plan)), jobs_(std::make_shared<Jobs>()) {
  jobs_->outcomes.resize(message_->recipients.size());
  out_.resize(message_->recipients.size());
  changed_ = plan_.changed;
  for (const Plan::Local& local : plan_.locals) out_[local.recipient] = true;
  for (const Plan::Remote& remote : plan_.remotes) set_out(remote.recipients);
  for (const Plan::Lookup& lookup : plan_.lookups) set_out(lookup.recipients);
  take_decided();
  trace_locals();
}

void Round::set_out(const std::vector<std::size_t>& recipients) {
  for (const std::size_t index : recipients) out_[index] = true;
}

void Round::take_decided() {
  for (auto& [index, outcome] : std::exchange(plan_.decided, {})) jobs_->outcomes[index] = std::move(outcome);
}

Task<> Round::look_up() {
  co_await scheduler::look_up(context_, plan_, offered_);
  take_decided();
}

void Round::leave_out(const std::function<bool(const Plan::Remote&)>& closed) {
  const auto first = plan_.remotes.begin() + static_cast<std::ptrdiff_t>(offered_);
  const auto stays = std::partition(first, plan_.remotes.end(), [&](const Plan::Remote& remote) { return !closed(remote); });
  for (auto remote = stays; remote != plan_.remotes.end(); ++remote)
    for (const std::size_t index : remote->recipients) out_[index] = false;
  plan_.remotes.erase(stays, plan_.remotes.end());
}

void Round::offer(std::function<void(const std::string& site, JobEnd end)> job_done) {
  jobs_->latch.add(plan_.remotes.size() - offered_);
  for (; offered_ < plan_.remotes.size(); ++offered_) {
    const Plan::Remote& remote = plan_.remotes[offered_];
    trace_route(remote.recipients, remote.site->name);
    outbound::Job job;
    job.site = remote.site;
    job.message = message_;
    job.recipients = remote.recipients;
    job.done = [jobs = jobs_, recipients = remote.recipients, site = remote.site, job_done](std::vector<queue::Outcome> outcomes) {
      GODWIT_CHECK(outcomes.size() == recipients.size());
      const JobEnd end = end_of(outcomes);
      for (std::size_t i = 0; i < recipients.size(); ++i) jobs->outcomes[recipients[i]] = std::move(outcomes[i]);
      job_done(site->name, end);
      jobs->latch.done();
    };
    context_.offer(std::move(job));
  }
}

Task<> Round::deliver_locals() {
  if (plan_.locals.empty()) co_return;
  threads_ = co_await delivery::read_thread_ids(context_.blobs, message_);
  std::function<Task<>(std::size_t)> one = [this](std::size_t i) { return deliver_one(i); };
  co_await run_bounded(context_.tasks, plan_.locals.size(), kLocalsAtOnce, std::move(one));
}

Task<> Round::deliver_one(std::size_t i) {
  const Plan::Local& local = plan_.locals[i];
  const queue::Recipient& recipient = message_->recipients[local.recipient];
  directory::Account account = local.account;
  auto result = co_await delivery::deliver_local(context_.mailboxes, *message_, recipient, std::move(account), threads_);
  if (result.outcome.kind == queue::Outcome::Kind::delivered) {
    std::ranges::move(result.handover, std::back_inserter(handovers_));
    delivered_.push_back({local.account.id, message_->id, recipient.address.text()});
  }
  jobs_->outcomes[local.recipient] = std::move(result.outcome);
}

std::vector<std::optional<queue::Outcome>> Round::take_outcomes() {
  auto outcomes = std::exchange(jobs_->outcomes, std::vector<std::optional<queue::Outcome>>(out_.size()));
  for (std::size_t i = 0; i < outcomes.size(); ++i)
    if (outcomes[i]) out_[i] = false;
  return outcomes;
}

void Round::written() {
  changed_ = false;
  handovers_.clear();
  delivered_.clear();
}

void Round::trace_locals() const {
  std::vector<std::size_t> locals;
  locals.reserve(plan_.locals.size());
  for (const Plan::Local& local : plan_.locals) locals.push_back(local.recipient);
  if (!locals.empty()) trace_route(locals, "local");
}

void Round::trace_route(const std::vector<std::size_t>& recipients, std::string_view where) const {
  const std::uint32_t attempt = attempt_number(*message_, recipients);
  if (attempt == 1) context_.trace.add(message_->id, "routed", fmt::format("{} to {}", names(*message_, recipients), where));
  context_.trace.add(message_->id, "attempt", fmt::format("number {} at {}", attempt, where));
}

}  // namespace godwit::scheduler
