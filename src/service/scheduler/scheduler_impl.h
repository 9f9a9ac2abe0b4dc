#pragma once
// The scheduler of one loop: scheduler.cc (window, attempts), feed.cc (reading rows), record.cc (what an outcome changes),
// act.cc (administration). Private to the module.

#include <memory>

#include "service/scheduler/forget.h"
#include "service/scheduler/round.h"
#include "service/scheduler/scheduler.h"
#include "service/scheduler/sites.h"
#include "service/scheduler/window.h"

namespace godwit::scheduler {

class TheScheduler final : public Scheduler {
 public:
  explicit TheScheduler(Context context);

  void start() override;
  void accepted(queue::Message message) override;
  void drain() override;
  bool idle() const override;
  Task<Result<bool>> act(MessageId id, Action action, std::string why) override;
  std::optional<WallTime> attempting_since(MessageId id) override;

 private:
  // scheduler.cc
  std::size_t room() const;
  void take(std::shared_ptr<queue::Message> message);
  void pump();
  Task<> attempt(std::shared_ptr<queue::Message> message);
  Task<> attempt_now(std::shared_ptr<queue::Message> message, bool& in_slot);
  // While jobs are out: what is known, from `when` on and then at intervals. Returns when all have come back.
  Task<> record_meanwhile(queue::Message& message, Round& round, SteadyTime when);
  void offer(Round& round);
  bool park_if_busy(const queue::Message& message, const Plan& plan);
  void leave_slot(bool& in_slot);
  void job_done(const std::string& site);
  void leave(MessageId id);
  void end_work();
  void ready_again(Entry& entry);

  // record.cc
  // What is new since the last call; the rest of the round when all jobs have come back.
  Task<> record(queue::Message& message, Round& round);
  std::vector<std::size_t> settle(queue::Message& message, Round& round);
  bool was_begun(const queue::Outcome& outcome) const;
  Task<> report_failures(queue::Message& message, std::vector<std::size_t> bounced);
  Task<> report_delays(queue::Message& message);
  bool apply_asked(queue::Message& message, const Round& round, bool last);
  bool drop_what_is_back(queue::Message& message, const Round& round, std::string why);
  bool release(queue::Message& message, const Round& round, std::string why);
  void hold(queue::Message& message, std::string why);
  // Until it succeeds (true) or the program ends; the message's state stays in memory meanwhile. `last`: nothing of it is out.
  Task<bool> write(queue::Message& message, std::vector<queue::Handover> handovers, std::vector<Delivered> delivered, bool last);

  // feed.cc
  Task<> feed();
  Task<bool> read_rows();
  Task<bool> read_parked();
  Task<bool> read_fresh(Cursor& cursor);
  Task<bool> read_due(Cursor& cursor);
  Task<bool> read_due_page(Cursor& cursor, bool& more);
  void note_due(const queue::Message& message);
  void wake_feed();
  Task<> keep_id_floor();

  // act.cc
  Task<Result<bool>> act_alone(MessageId id, Action action, std::string why);
  Task<Result<void>> perform(queue::Message& message, Action action, std::string why);

  Context context_;
  Window window_;
  Sites sites_;
  Forgetter forgetter_;
  std::unique_ptr<Timer> feed_timer_;
  std::unique_ptr<Timer> floor_timer_;
  std::unique_ptr<net::TaskGroup::OnStop> on_stop_;
  std::size_t slots_ = 0;      // attempts that route and deliver here, not those that wait for a site
  std::size_t under_way_ = 0;  // attempts and actions
  bool starved_ = false;       // rows wait for room in the window
  bool draining_ = false;
};

}  // namespace godwit::scheduler
