#pragma once
// The scheduler of one loop: scheduler.cc (turns, attempts), feed.cc (who is queued and when he is due), places.cc (what is learnt of
// destinations), record.cc (what an outcome changes), act.cc (administration). Private to the module.

#include <deque>
#include <memory>
#include <vector>

#include "service/scheduler/forget.h"
#include "service/scheduler/lineup.h"
#include "service/scheduler/round.h"
#include "service/scheduler/scheduler.h"
#include "service/scheduler/window.h"
#include "state/queue/catalogue.h"
#include "state/queue/rules.h"

namespace godwit::scheduler {

class TheScheduler final : public Scheduler, private queue::Catalogue::Listener {
 public:
  explicit TheScheduler(Context context);
  ~TheScheduler() override;

  void start() override;
  void accepted(queue::Message message) override;
  void drain() override;
  bool idle() const override;
  Task<Result<bool>> act(MessageId id, Action action, std::string why) override;
  Task<Result<bool>> change(MessageId id, Change change) override;
  void rules_changed() override { wake_feed_at(context_.clock.steady()); }
  std::optional<WallTime> attempting_since(MessageId id) override;

 private:
  using Decided = std::vector<std::pair<std::size_t, queue::Outcome>>;

  queue::Catalogue& catalogue() const { return context_.queue.catalogue(context_.loop); }  // once the queue is open

  // scheduler.cc
  bool stopping() const { return !started_ || draining_ || context_.tasks.stopping(); }
  void look_at_settings();
  bool has_room(bool urgent) const;
  void pump();
  bool try_forced();
  void begin(MessageId id, Entry& entry);
  Task<> attempt(MessageId id);
  Task<> attempt_now(std::shared_ptr<queue::Message> message, bool& in_slot);
  Task<> look_up(Plan& plan, bool& in_slot);
  // While jobs are out: what is known, from `when` on and then at intervals. Returns when all have come back.
  Task<> record_meanwhile(queue::Message& message, Round& round, SteadyTime when);
  void leave_slot(bool& in_slot);
  void leave(MessageId id);
  Task<> act_late(MessageId id, Entry::Asked asked);
  void end_work();
  void ready_again(Entry& entry);

  // places.cc
  void offer(Entry& entry, Round& round);
  bool put_back(const queue::Message& message, const Plan& plan);
  void leave_out_closed(const Entry& entry, Plan& plan);
  void leave_out_closed(const Entry& entry, Round& round);
  void learn(const queue::Message& message, const Plan& plan);
  void learn_from_dns(const queue::Message& message, const Plan& plan);
  void job_done(const std::string& site, MessageId id, JobEnd end);
  void close_for(Place place, const std::string& tenant, Duration length);
  void close_suspended(const Plan& plan);
  void decide_suspended(const queue::Message& message, std::vector<std::size_t>& due, Decided& decided) const;
  void decide_suspended_sites(Plan& plan) const;
  void close(Place place, Duration asked);
  void give_back(Entry& entry);
  void look_at_routes();
  Place dns();
  Place anywhere();

  // record.cc
  // What is new since the last call; the rest of the round when all jobs have come back.
  Task<> record(queue::Message& message, Round& round);
  std::vector<std::size_t> settle(queue::Message& message, Round& round);
  bool was_begun(const queue::Outcome& outcome) const;
  Task<> report_outcomes(queue::Message& message, std::vector<std::size_t> settled);
  Task<bool> report_delays(queue::Message& message);
  bool apply_asked(queue::Message& message, const Round& round, bool last);
  bool drop_what_is_back(queue::Message& message, const Round& round, std::string why);
  bool release(queue::Message& message, const Round& round, std::string why);
  void hold(queue::Message& message, std::string why);
  // Until it succeeds (true) or the program ends; the message's state stays in memory meanwhile. `last`: nothing of it is out.
  Task<bool> write(queue::Message& message, std::vector<queue::Handover> handovers, std::vector<Delivered> delivered, bool last);

  // feed.cc
  void changed(const queue::Card& card, const queue::Card* before) override;
  void gone(const queue::Card& card) override;
  void line_up(const queue::Card& card, const queue::Message* message);
  void come_back(MessageId id, Entry entry);
  LineUp::Party party_of(const queue::Message& message);  // until the next call
  void suspend(MessageId id, WallTime accepted, WallTime next);
  void look_at_rules();
  bool resume();
  bool is_suspended(MessageId id);
  WallTime next_attempt(const queue::Message& message) const;
  WallTime next_moment(WallTime accepted) const;
  Task<> feed();
  bool take_due();
  void wake_feed_at(SteadyTime when);
  Task<std::shared_ptr<queue::Message>> read(MessageId id, bool& in_slot);
  Task<> keep_id_floor();

  // act.cc
  Task<Result<bool>> act_alone(MessageId id, Action action, std::string why);
  Task<Result<void>> perform(queue::Message& message, Action action, std::string why);
  Task<Result<bool>> change_alone(MessageId id, Change change);
  Result<void> apply(queue::Message& message, const Change& change);

  Context context_;
  std::shared_ptr<const Settings> settings_;  // that the line-up knows
  std::shared_ptr<const routing::Router> router_;
  Window window_;
  LineUp lineup_;
  std::string sender_text_;       // of party_of()
  std::deque<MessageId> forced_;  // tried next, wherever they go
  std::shared_ptr<const queue::Rules> rules_;
  std::uint64_t rules_version_ = 0;
  WallTime rules_until_{};  // the first of them that ends
  std::vector<std::string> suspended_sites_;
  std::deque<MessageId> suspended_;        // that wait for other rules; some no longer
  std::size_t resuming_ = 0;               // of them, from the front: to be lined up again
  std::optional<MessageId> first_of_run_;  // what is newer comes by accepted()
  Forgetter forgetter_;
  std::unique_ptr<Timer> feed_timer_;
  std::unique_ptr<Timer> floor_timer_;
  std::unique_ptr<net::TaskGroup::OnStop> on_stop_;
  SteadyTime feed_at_{};       // when the feed wakes by itself
  std::size_t slots_ = 0;      // attempts that route and deliver here, not those that wait for a site
  std::size_t under_way_ = 0;  // attempts and actions
  std::size_t forced_in_work_ = 0;
  bool forced_next_ = false;  // whose turn it was last
  bool started_ = false;
  bool draining_ = false;
};

}  // namespace godwit::scheduler
