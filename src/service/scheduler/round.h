#pragma once
// One round of one message: its due recipients to their mailboxes and sites, and what came of it. One loop.

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

class Round {
 public:
  Round(const Context& context, std::shared_ptr<const queue::Message> message, Plan plan);

  // Asks the DNS for what the plan did not know; then there may be more to offer.
  Task<> look_up();
  // Hands a job to each site that has none yet; `job_done(site)` is called when one has come back.
  void offer(std::function<void(const std::string& site)> job_done);
  // The local recipients, 8 at a time.
  Task<> deliver_locals();
  // Until every job has come back.
  Task<> wait_for_sites();

  // Outcome of each recipient, by index; empty where nothing was tried.
  std::vector<std::optional<queue::Outcome>> take_outcomes();
  std::vector<queue::Handover> take_handovers() { return std::move(handovers_); }
  std::vector<Delivered> take_delivered() { return std::move(delivered_); }
  const Plan& plan() const { return plan_; }
  std::span<const Plan::Remote> not_offered() const { return std::span(plan_.remotes).subspan(offered_); }

 private:
  Task<> deliver_one(std::size_t index);
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
  std::shared_ptr<Jobs> jobs_;
  std::vector<queue::Handover> handovers_;
  std::vector<Delivered> delivered_;
};

}  // namespace godwit::scheduler
