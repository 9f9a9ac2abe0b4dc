#pragma once
// One round of one message: its due recipients to their mailboxes and sites, and what came of it, as it comes. One loop.

#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "service/scheduler/latch.h"
#include "service/scheduler/plan.h"

namespace godwit::scheduler {

// A local delivery whose `delivered` row may go once the queue's record of it is on stable storage.
struct Delivered {
  directory::AccountId account = 0;
  MessageId message;
  std::string recipient;
};

// How a job came back.
struct JobEnd {
  bool down = false;  // nobody at the site has said a word about any recipient
  Duration again{};   // it named a time
  bool ours = false;  // not the site's doing, but what we have laid down for the message's tenant, source or rate
};

class Round {
 public:
  Round(const Context& context, std::shared_ptr<const queue::Message> message, Plan plan);

  // Asks the DNS for what the plan did not know; then there may be more to offer.
  Task<> look_up();
  // Those that have no job yet and are not to go there now stay as they are.
  void leave_out(const std::function<bool(const Plan::Remote&)>& closed);
  // Hands a job to each site that has none yet; `job_done(site, how)` is called when one has come back.
  void offer(std::function<void(const std::string& site, JobEnd end)> job_done);
  // The local recipients, 8 at a time.
  Task<> deliver_locals();
  // Until every job has come back (true), or until `when`; it may come back before either.
  Task<bool> wait_for_sites(Timer& timer, SteadyTime when) { return jobs_->latch.wait_until(timer, when); }
  bool all_back() const { return jobs_->latch.ready(); }

  // What has come since the last call, by index; empty where there is nothing new.
  std::vector<std::optional<queue::Outcome>> take_outcomes();
  // Its outcome is still to come, or has not been taken: it stays as it is, and another thread may be reading it.
  bool is_out(std::size_t recipient) const { return out_[recipient]; }

  // Something about the message is not in its row yet; with it go the handovers and `delivered` rows below.
  bool changed() const { return changed_; }
  void set_changed() { changed_ = true; }
  const std::vector<queue::Handover>& handovers() const { return handovers_; }
  const std::vector<Delivered>& delivered() const { return delivered_; }
  void written();

  const Plan& plan() const { return plan_; }
  std::span<const Plan::Remote> not_offered() const { return std::span(plan_.remotes).subspan(offered_); }

 private:
  Task<> deliver_one(std::size_t index);
  void set_out(const std::vector<std::size_t>& recipients);
  void take_decided();
  void trace_locals() const;
  void trace_route(const std::vector<std::size_t>& recipients, std::string_view where) const;

  struct Jobs {  // shared with the jobs' call-backs
    std::vector<std::optional<queue::Outcome>> outcomes;
    Latch latch;
  };

  const Context& context_;
  std::shared_ptr<const queue::Message> message_;
  Plan plan_;
  std::size_t offered_ = 0;  // of plan_.remotes
  std::vector<bool> out_;
  bool changed_ = false;
  std::shared_ptr<Jobs> jobs_;
  std::vector<queue::Handover> handovers_;
  std::vector<Delivered> delivered_;
  std::vector<std::string> threads_;  // of the message, for its local recipients
};

}  // namespace godwit::scheduler
